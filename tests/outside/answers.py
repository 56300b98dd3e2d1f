#!/usr/bin/env python3
"""Recomputes the answers of a published warehouse from its staged tables, in plain Python, and compares cell by cell.

    python answers.py warehouse/current [--run-date 2026-06-30] [--timezone Asia/Shanghai]

It reads Parquet with Polars and shares no SQL with the models: every table is computed row by row, straight from the
definitions. Money must agree to the cent, doubles to 1e-9, everything else exactly. Prints one line for each table
that agrees; on a difference it prints the cells and leaves with exit code 1.

The staged tables are published whole; the cut as of the run date is applied here, once, in `Staged`.
"""

import argparse
import datetime as dt
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

UNKNOWN = "unknown"
UTC = dt.timezone.utc
CENT = Decimal("0.01")
POLICY = {
    "tier_low": "registration.price_tier_low_below",
    "tier_high": "registration.price_tier_high_from",
    "sufficient_units": "segment.market.sufficient_units",
    "sufficient_growth": "segment.market.sufficient_growth",
    "response_hours": "complaint.sla.domestic_response_hours",
    "response_working_days": "complaint.sla.overseas_response_working_days",
    "on_site_priority": "complaint.sla.on_site_priority",
    "on_site_hours": "complaint.sla.on_site_hours",
}
STAGES = "received registered analysed dispatched handled answered followed_up evaluated summarised".split()


# ---- dates and numbers


def month_of(day):
    return day.replace(day=1)


def shift(month, months):
    number = month.year * 12 + month.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)


def last_day(month):
    return shift(month, 1) - dt.timedelta(days=1)


def cents(amount):
    """Rounds half away from zero."""
    return None if amount is None else amount.quantize(CENT, ROUND_HALF_UP)


def ratio(part, whole):
    return None if part is None or not whole else float(part) / float(whole)


def growth(now, prior):
    share = ratio(now, prior)
    return None if share is None else share - 1


def quantile(values, q):
    """Exact quantile with linear interpolation; None of nothing."""
    values = sorted(v for v in values if v is not None)
    if not values:
        return None
    place = q * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def rate(flags):
    flags = [f for f in flags if f is not None]
    return ratio(sum(flags), len(flags))


def ranks(values):
    """Rank descending with ties, None last."""
    order = sorted(values.values(), key=lambda v: (v is None, -(v or 0)))
    return {key: 1 + order.index(value) for key, value in values.items()}


def months_with_rows(event_months, run_date):
    """The event months and the 23 after each, up to the run date's."""
    rows = {shift(month, i) for month in event_months for i in range(24)}
    return sorted(month for month in rows if month <= run_date)


# ---- what is read


def read(folder):
    """Reads the Hive-partitioned Parquet of one table as rows; partition values that are dates become dates."""
    tables = []
    for file in sorted(folder.glob("data/**/*.parquet")):
        rows = pl.read_parquet(file, hive_partitioning=False).rows(named=True)
        values = dict(part.split("=", 1) for part in file.relative_to(folder / "data").parts[:-1])
        values = {name: partition_value(text) for name, text in values.items()}
        tables += [{**row, **values} for row in rows]
    return tables


def partition_value(text):
    if text == "__HIVE_DEFAULT_PARTITION__":
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return int(text) if text.isdigit() else text


class Staged:
    """The staged tables as of the run date."""

    def __init__(self, root, run_date, zone):
        self.root = root / "private" / "staged"
        self.run_date, self.zone = run_date, zone
        # "at run date" is the end of that day
        self.end = dt.datetime.combine(run_date + dt.timedelta(days=1), dt.time(), zone).astimezone(UTC)
        self.region = {row["province"]: row for row in self.rows("region")}
        self.home = {row["country"] for row in self.region.values() if row["is_domestic"]}
        self.dealer = {row["dealer_code"]: row for row in self.rows("dealer")}
        self.product = {row["product_code"]: row for row in self.rows("product")}
        self.brand = {row["brand"]: row for row in self.rows("brand")}
        self.industry = {row["industry"]: row for row in self.rows("industry")}
        self.policies = self.rows("policy")
        identities = read(root / "private" / "core" / "customer_identity")
        self.customer = {row["customer_id"]: row for row in identities}
        self.sales = self.cut("dealer_sales", "order_date", ["checked_date", "shipped_date", "accepted_date"])
        self.registrations = self.cut("market_registration", "month", [])
        self.complaints = self.cut("complaint", "received_at", ["first_response_at", "on_site_at", "closed_at"])
        self.order_stages = self.cut("order_stage", "entered_at", [])
        self.complaint_stages = self.cut("complaint_stage", "entered_at", [])

    def rows(self, name):
        return read(self.root / name)

    def exists(self, moment):
        if moment is None:
            return False
        return moment < self.end if isinstance(moment, dt.datetime) else moment <= self.run_date

    def cut(self, name, event, later):
        kept = [row for row in self.rows(name) if self.exists(row[event])]
        return [{**row, **{c: row[c] if self.exists(row[c]) else None for c in later}} for row in kept]

    def local(self, moment):
        return None if moment is None else moment.astimezone(self.zone)

    def policy(self, key, day):
        """The value in force on a day."""
        rows = [row for row in self.policies if row["key"] == key and row["valid_from"] <= day]
        if not rows:
            sys.exit(f"no policy `{key}` is in force on {day}")
        return max(rows, key=lambda row: row["valid_from"])["value"]

    def place(self, country, *provinces):
        """Member province, region and country: by country abroad, else by the first province given."""
        if country is not None and country not in self.home:
            wanted = country
        else:
            wanted = next((p for p in provinces if p is not None), None)
        found = self.region.get(wanted)
        if found is None:
            return UNKNOWN, UNKNOWN, country or UNKNOWN
        return found["province"], found["region"] or UNKNOWN, found["country"] or UNKNOWN


# ---- the definitions


def customer_place(staged, customer_id):
    """The customer's place: its country abroad, else its province."""
    customer = staged.customer.get(customer_id, {})
    is_abroad = customer.get("country") is not None and customer["country"] not in staged.home
    return customer["country"] if is_abroad else customer.get("province")


def sales_lines(staged):
    rates = {(row["month"], row["currency"]): Decimal(str(row["rate"])) for row in staged.rows("fx_rate")}
    lines = []
    for row in staged.sales:
        dealer = staged.dealer.get(row["dealer_code"])
        product = staged.product.get(row["product_code"], {})
        industry = staged.industry.get(row["industry"])
        fx = rates.get((month_of(row["order_date"]), row["currency"]))
        of_dealer = (dealer or {}).get("province")
        places = (row["province"], customer_place(staged, row["customer_id"]), of_dealer if of_dealer in staged.region else None)
        province, region, country = staged.place(row["country"], *places)
        is_machine = row["line_kind"] == "machine" or (
            row["line_kind"] == "return" and product.get("product_class") == "machine"
        )
        quantity = row["quantity"]
        revenue = None if fx is None or row["amount"] is None else cents(row["amount"] * fx)
        cost = None if fx is None or None in (row["unit_cost"], quantity) else cents(row["unit_cost"] * quantity * fx)
        lines.append(
            {
                "dealer_code": row["dealer_code"],
                "order_no": row["order_no"],
                "line_no": row["line_no"],
                "order_month": month_of(row["order_date"]),
                "order_date": row["order_date"],
                "customer_id": row["customer_id"] or UNKNOWN,
                "dealer": row["dealer_code"] if dealer else UNKNOWN,
                "product": product.get("product_code", UNKNOWN),
                "product_type": product.get("product_type") or UNKNOWN,
                "product_class": product.get("product_class") or UNKNOWN,
                "line_kind": row["line_kind"],
                "province": province,
                "region": region,
                "country": country,
                "industry": industry["industry"] if industry else UNKNOWN,
                "industry_group": (industry or {}).get("industry_group") or UNKNOWN,
                "working_condition": row["working_condition"] or UNKNOWN,
                "units": quantity if is_machine else 0,
                "revenue": revenue,
                "cost": cost,
                "margin": None if revenue is None or cost is None else revenue - cost,
                "is_financed": None if row["payment_terms"] is None else row["payment_terms"] in ("credit", "lease"),
                "promised_date": row["promised_date"],
                "checked_date": row["checked_date"],
                "shipped_date": row["shipped_date"],
                "accepted_date": row["accepted_date"],
            }
        )
    return lines


def registrations(staged):
    lines = []
    priced = defaultdict(lambda: [Decimal(0), 0])
    for row in staged.registrations:
        if row["average_price"] is not None:
            total = priced[row["month"], row["product_type"]]
            total[0] += Decimal(str(row["average_price"])) * row["units"]
            total[1] += row["units"]
    for row in staged.registrations:
        province, region, country = staged.place(row["country"], row["province"])
        brand, industry = staged.brand.get(row["brand"]), staged.industry.get(row["industry"])
        day = last_day(row["month"])
        market_price = ratio(*priced[row["month"], row["product_type"]])
        tier = UNKNOWN
        if row["average_price"] is not None and market_price:
            level = round(float(row["average_price"]) / market_price, 12)
            low = float(staged.policy(POLICY["tier_low"], day))
            high = float(staged.policy(POLICY["tier_high"], day))
            tier = "low" if level < low else "middle" if level < high else "high"
        lines.append(
            {
                "month": row["month"],
                "source_province": row["province"],
                "source_country": row["country"],
                "product_type": row["product_type"],
                "source_industry": row["industry"],
                "source_brand": row["brand"],
                "province": province,
                "region": region,
                "country": country,
                "industry": industry["industry"] if industry else UNKNOWN,
                "industry_group": (industry or {}).get("industry_group") or UNKNOWN,
                "brand": brand["brand"] if brand else UNKNOWN,
                "is_own": bool(brand) and brand["role"] == "own",
                "units": row["units"],
                "average_price": None if row["average_price"] is None else float(row["average_price"]),
                "price_tier": tier,
            }
        )
    return lines


def complete_months(months, run_date):
    return {month for month in months if last_day(month) <= run_date}


def covered(year, complete, years_before):
    """The complete months of a year, and whether the same months some years before are complete too."""
    months = {month for month in complete if month.year == year}
    earlier = {shift(month, -12 * years_before) for month in months}
    return months, bool(months) and earlier <= complete


def segment_market(staged, lines, sales):
    complete = complete_months({line["month"] for line in lines}, staged.run_date)
    by_month, groups = defaultdict(lambda: defaultdict(int)), defaultdict(list)
    for line in lines:
        segment = line["region"], line["product_type"], line["industry"]
        by_month[segment][line["month"]] += line["units"]
        groups[(line["month"].year, *segment)].append(line)
    countries = defaultdict(set)
    for place in staged.region.values():
        countries[place["region"]].add(place["country"])
    sold = {(line["order_month"].year, line["dealer"]) for line in sales if line["line_kind"] == "machine"}

    def is_reachable(year, region):
        end = dt.date(year, 12, 31)
        for code, dealer in staged.dealer.items():
            home = staged.region.get(dealer["province"])
            stays = dealer["left_on"] is None or dealer["left_on"] > end
            if home and home["region"] == region and stays and (year, code) in sold:
                return True
        return False

    reachable = {(year, region): is_reachable(year, region) for year, region, _, _ in groups}
    answer = {}
    for (year, region, product_type, industry), group in groups.items():
        units = by_month[region, product_type, industry]
        months, has_prior = covered(year, complete, 1)
        _, has_base = covered(year, complete, 3)
        now = sum(units.get(month, 0) for month in months)
        prior = sum(units.get(shift(month, -12), 0) for month in months) if has_prior else None
        base = sum(units.get(shift(month, -36), 0) for month in months) if has_base else None
        market = sum(line["units"] for line in group)
        brands = defaultdict(int)
        for line in group:
            brands[line["brand"]] += line["units"]
        own = sum(line["units"] for line in group if line["is_own"])
        priced = [line for line in group if line["average_price"] is not None]
        priced_amount = sum((Decimal(str(line["average_price"])) * line["units"] for line in priced), Decimal(0))
        market_growth = growth(now, prior)
        end = dt.date(year, 12, 31)
        is_large = market >= float(staged.policy(POLICY["sufficient_units"], end))
        is_stable = (
            None
            if market_growth is None
            else round(market_growth, 12) >= float(staged.policy(POLICY["sufficient_growth"], end))
        )
        price = ratio(priced_amount, sum(line["units"] for line in priced)) if priced else None
        country = countries.get(region, {UNKNOWN})
        answer[year, region, product_type, industry] = {
            "country": next(iter(country)) if len(country) == 1 else "several",
            "industry_group": group[0]["industry_group"],
            "market_units": market,
            "own_units": own,
            "own_share": ratio(own, market),
            "prior_market_units": prior,
            "market_growth": market_growth,
            "market_cagr_3y": None if not base else (now / base) ** (1 / 3) - 1,
            "hhi": sum((u / market) ** 2 for u in brands.values()) if market else None,
            "average_price": price,
            "is_measurable": price is not None,
            "is_sufficient": False if not is_large else is_stable,
            "is_reachable": reachable[year, region],
            "months_covered": len(months),
            "capacity_rank": None,
        }
    for year in {key[0] for key in answer}:
        known = {k: v["market_units"] for k, v in answer.items() if k[0] == year and UNKNOWN not in k}
        for key, rank in ranks(known).items():
            answer[key]["capacity_rank"] = rank
    return answer


def working_condition(staged, sales):
    complete = complete_months({line["order_month"] for line in sales}, staged.run_date)
    money, units, margin = defaultdict(dict), defaultdict(int), defaultdict(list)
    for line in sales:
        cell, month = (line["working_condition"], line["product_type"]), line["order_month"]
        key = (month.year, *cell)
        units[key] += line["units"]
        margin[key].append(line["margin"])
        money[cell].setdefault(month, []).append(line["revenue"])

    def total(amounts):
        amounts = [amount for amount in amounts if amount is not None]
        return sum(amounts, Decimal(0)) if amounts else None

    def revenue(cell, months):
        return total([amount for month in months for amount in money[cell].get(month, [])])

    answer = {}
    for year, *cell in units:
        cell = tuple(cell)
        months, has_prior = covered(year, complete, 1)
        prior = revenue(cell, [shift(month, -12) for month in months]) if has_prior else None
        answer[(year, *cell)] = {
            "units": units[(year, *cell)],
            "revenue": revenue(cell, [month for month in money[cell] if month.year == year]),
            "margin": total(margin[(year, *cell)]),
            "revenue_growth": growth(revenue(cell, months), prior),
            "months_covered": len(months),
        }
    return answer


def competitor_share(staged, lines):
    complete = complete_months({line["month"] for line in lines}, staged.run_date)
    units, market = defaultdict(int), defaultdict(int)
    for line in lines:
        units[line["month"], line["region"], line["product_type"], line["brand"]] += line["units"]
        market[line["month"], line["region"], line["product_type"]] += line["units"]
    events = defaultdict(set)
    for (month, *cell), count in units.items():
        if count:
            events[tuple(cell)].add(month)
    answer = {}
    for (region, product_type, brand), months in events.items():
        for month in months_with_rows(months, staged.run_date):
            size = market.get((month, region, product_type), 0)
            share = ratio(units.get((month, region, product_type, brand), 0), size)
            before = shift(month, -12)
            prior = ratio(units.get((before, region, product_type, brand), 0), market.get((before, region, product_type)))
            ends = [m for m in complete if m <= month]
            window = [shift(max(ends), -i) for i in range(12)] if ends else []
            mine = sum(units.get((m, region, product_type, brand), 0) for m in window)
            comparable = month in complete and share is not None and prior is not None
            answer[month, region, product_type, brand] = {
                "units": units.get((month, region, product_type, brand), 0),
                "market_units": size,
                "unit_share": share,
                "share_rank": None,
                "share_change_yoy": share - prior if comparable else None,
                "t12m_units": mine if window else None,
                "t12m_share": ratio(mine, sum(market.get((m, region, product_type), 0) for m in window)),
            }
    cells = defaultdict(dict)
    for key, row in answer.items():
        if UNKNOWN not in key:
            cells[key[:3]][key] = row["unit_share"]
    for shares in cells.values():
        for key, rank in ranks(shares).items():
            answer[key]["share_rank"] = rank
    return answer


def weak_market(staged, lines):
    complete = complete_months({line["month"] for line in lines}, staged.run_date)
    years = {m.year for m in complete if all(dt.date(m.year, i, 1) in complete for i in range(1, 13))}
    if not years:
        return {}
    year = max(years)
    total, nation, countries = defaultdict(int), defaultdict(int), defaultdict(set)
    for line in lines:
        at = line["month"].year
        if at in (year, year - 1):
            for who in ["market"] + ["own"] * line["is_own"]:
                total[line["province"], line["product_type"], at, who] += line["units"]
                nation[line["country"], line["product_type"], at, who] += line["units"]
            countries[line["province"], line["product_type"]].add(line["country"])
    answer = {}
    for (province, product_type), names in countries.items():
        country = min(names)

        def pick(totals, place, at, who):
            return totals.get((place, product_type, at, who), 0)

        own, market = (pick(total, province, year, who) for who in ("own", "market"))
        own0, market0 = (pick(total, province, year - 1, who) if year - 1 in years else None for who in ("own", "market"))
        own_growth, market_growth = growth(own, own0), growth(market, market0)
        share, prior = ratio(own, market), ratio(own0, market0)
        national = ratio(pick(nation, country, year, "own"), pick(nation, country, year, "market"))
        grows_less = None if None in (own_growth, market_growth) else round(own_growth, 12) < round(market_growth, 12)
        is_below = None if None in (share, national) else round(share, 12) < round(national, 12)
        both = [grows_less, is_below]
        answer[province, product_type] = {
            "is_weak": False if False in both else None if None in both else True,
            "units_lost": None if None in (share, prior) else max(0.0, prior - share) * market,
            "year": year,
            "country": country,
            "own_units": own,
            "market_units": market,
            "own_growth": own_growth,
            "market_growth": market_growth,
            "own_share": share,
            "national_own_share": national,
        }
    return answer


def complaint_sla(staged):
    days = {(row["country"], row["day"]): row["is_working"] for row in staged.rows("holiday")}
    years = {day.year for _, day in days}
    homes = {country for country, _ in days} & staged.home

    def is_working(day):
        return next((days[home, day] for home in homes if (home, day) in days), day.isoweekday() < 6)

    def in_calendar(day):
        return bool(homes) and min(years) <= day.year <= max(years)

    def overseas_due(received, working_days):
        """The same clock time after so many working days; a receipt on a day off starts at 00:00 of the next working day."""
        local = staged.local(received)
        day, clock = local.date(), local.time()
        if not in_calendar(day):
            return None
        steps = working_days
        if not is_working(day):
            clock, steps = dt.time(), working_days + 1
        while steps:
            day += dt.timedelta(days=1)
            if not in_calendar(day):
                return None
            steps -= is_working(day)
        return dt.datetime.combine(day, clock, staged.zone).astimezone(UTC)

    def in_time(done, due):
        if due is None:
            return None
        if done is not None:
            return done <= due
        return False if due < staged.end else None

    handled = {row["complaint_id"]: row["entered_at"] for row in staged.complaint_stages if row["stage"] == "handled"}
    groups = defaultdict(list)
    for row in staged.complaints:
        month = month_of(staged.local(row["received_at"]).date())
        groups[(row["kind"] or UNKNOWN, row["priority"] or UNKNOWN, row["is_domestic"]), month].append(row)
    months_of = defaultdict(set)
    for key, month in groups:
        months_of[key].add(month)
    answer = {}
    for key, months in months_of.items():
        for month in months_with_rows(months, staged.run_date):
            response, on_site, hours, confirmed = [], [], [], []
            day = last_day(month)
            group = groups.get((key, month), [])
            for row in group:
                received, is_domestic = row["received_at"], row["is_domestic"]
                due = None
                if is_domestic:
                    due = received + dt.timedelta(hours=float(staged.policy(POLICY["response_hours"], day)))
                elif is_domestic is False:
                    due = overseas_due(received, int(float(staged.policy(POLICY["response_working_days"], day))))
                response.append(in_time(row["first_response_at"], due))
                is_judged = is_domestic and row["resolution_mode"] == "onsite"
                lowest = int(staged.policy(POLICY["on_site_priority"], day))
                if is_judged and row["priority"] in list("ABC")[:lowest]:
                    limit = dt.timedelta(hours=float(staged.policy(POLICY["on_site_hours"], day)))
                    on_site.append(in_time(row["on_site_at"], received + limit))
                if row["complaint_id"] in handled:
                    hours.append((handled[row["complaint_id"]] - received) / dt.timedelta(hours=1))
                if row["closed_at"] is not None:
                    confirmed.append(bool(row["customer_confirmed"]))
            answer[(month, *key)] = {
                "complaint_count": len(group),
                "response_in_time_rate": rate(response),
                "on_site_in_time_rate": rate(on_site),
                "median_resolution_hours": quantile(hours, 0.5),
                "confirmed_rate": rate(confirmed),
            }
    return answer


def complaint_flow(staged):
    entered = defaultdict(dict)
    for row in staged.complaint_stages:
        entered[row["complaint_id"]][row["stage"]] = row["entered_at"]
    hours, stuck, months_of = defaultdict(list), defaultdict(int), defaultdict(set)
    for steps in entered.values():
        present = [stage for stage in STAGES if stage in steps]
        for stage, following in zip(present, present[1:] + [None]):
            month = month_of(staged.local(steps[stage]).date())
            months_of[stage].add(month)
            gap = (steps[following] - steps[stage]) / dt.timedelta(hours=1) if following else None
            hours[month, stage].append(gap)
            stuck[month, stage] += following is None and stage != STAGES[-1]
    return {
        (month, stage): {
            "median_hours": quantile(hours[month, stage], 0.5),
            "p90_hours": quantile(hours[month, stage], 0.9),
            "stuck_count": stuck[month, stage],
            "entered_count": len(hours[month, stage]),
        }
        for stage, months in months_of.items()
        for month in months_with_rows(months, staged.run_date)
    }


def order_cycle(staged, sales):
    orders, log = defaultdict(list), defaultdict(list)
    for line in sales:
        if line["line_kind"] != "return":
            orders[line["dealer_code"], line["order_no"]].append(line)
    for row in staged.order_stages:
        log[row["dealer_code"], row["order_no"]].append(row)
    cells = defaultdict(list)
    for key, lines in orders.items():
        steps = log.get(key, [])

        def logged(stage, pick, only_yes=False):
            times = [s["entered_at"] for s in steps if s["stage"] == stage and (s["result"] is True or not only_yes)]
            return staged.local(pick(times)).date() if times else None

        def of_lines(column):
            if any(line[column] is None for line in lines if line["line_kind"] != "service"):
                return None
            return max((line[column] for line in lines if line[column] is not None), default=None)

        def first_result(stage):
            results = [s["result"] for s in steps if s["stage"] == stage and s["attempt"] == 1]
            return results[0] if results else None

        order_date = min(line["order_date"] for line in lines)
        promised = max((line["promised_date"] for line in lines if line["promised_date"]), default=None)
        received = logged("received", min) or order_date
        checked = logged("checked", min, only_yes=True) or of_lines("checked_date")
        shipped = logged("shipped", max) or of_lines("shipped_date")
        accepted = logged("accepted", max) or of_lines("accepted_date")
        on_time = None
        if promised is not None and (accepted is not None or promised <= staged.run_date):
            on_time = accepted is not None and accepted <= promised
        checks = [first_result("checked"), first_result("confirmed")]
        gaps = [(received, checked), (checked, shipped), (shipped, accepted), (received, accepted)]
        cells[month_of(order_date), lines[0]["dealer"]].append(
            {
                "days": [None if None in gap else float((gap[1] - gap[0]).days) for gap in gaps],
                "on_time": on_time,
                "first_pass": False if False in checks else True if checks == [True, True] else None,
            }
        )
    months_of = defaultdict(set)
    for month, dealer in cells:
        months_of[dealer].add(month)
    names = ["received_to_checked", "checked_to_shipped", "shipped_to_accepted", "received_to_accepted"]
    answer = {}
    for dealer, months in months_of.items():
        for month in months_with_rows(months, staged.run_date):
            group = cells.get((month, dealer), [])
            row = {"orders_count": len(group)}
            for place, name in enumerate(names):
                days = [order["days"][place] for order in group]
                row[f"median_{name}_days"] = quantile(days, 0.5)
                row[f"p90_{name}_days"] = quantile(days, 0.9)
            row["on_time_rate"] = rate([order["on_time"] for order in group])
            row["first_pass_rate"] = rate([order["first_pass"] for order in group])
            answer[month, dealer] = row
    return answer


# ---- the comparison


def same(expected, actual):
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, float) or isinstance(actual, float):
        return abs(float(expected) - float(actual)) <= 1e-9 * max(1.0, abs(float(expected)))
    return expected == actual


def keyed(rows, key):
    return {tuple(row[c] for c in key): {c: v for c, v in row.items() if c not in key} for row in rows}


def compare(root, table, key, expected):
    """Compares the published table with the expected rows; returns the differences as lines."""
    published = read(root / Path(*table.split(".")))
    actual = keyed(published, key)
    faults = []
    if len(actual) != len(published):
        faults.append(f"{len(published) - len(actual)} rows repeat a key")
    faults += [f"{describe(key, k)}: row is missing" for k in expected if k not in actual]
    faults += [f"{describe(key, k)}: row is not expected" for k in actual if k not in expected]
    cells = 0
    for k, row in expected.items():
        for column, value in row.items() if k in actual else ():
            cells += 1
            if column not in actual[k]:
                faults.append(f"column `{column}` is missing")
            elif not same(value, actual[k][column]):
                faults.append(f"{describe(key, k)}: {column} is {actual[k][column]}, expected {value}")
    faults = list(dict.fromkeys(faults))
    if faults:
        print(f"{table}: {len(faults)} differences")
        for line in faults[:20]:
            print(f"  {line}")
    else:
        print(f"{table}: {len(expected)} rows, {cells} cells agree")
    return not faults


def describe(key, values):
    return ", ".join(f"{name}={value}" for name, value in zip(key, values))


def totals(lines):
    answer = defaultdict(lambda: {"lines": 0, "units": 0, "revenue": Decimal(0), "cost": Decimal(0), "margin": Decimal(0)})
    for line in lines:
        row = answer[line["dealer_code"], line["order_month"]]
        row["lines"] += 1
        for column in ("units", "revenue", "cost", "margin"):
            row[column] += line[column] or 0
    return dict(answer)


def compare_totals(root, sales):
    expected, actual = totals(sales), totals(read(root / "core" / "sales"))
    wrong = [k for k in expected.keys() | actual.keys() if expected.get(k) != actual.get(k)]
    for k in sorted(wrong)[:20]:
        print(f"  dealer_code={k[0]}, order_month={k[1]}: {actual.get(k)}, expected {expected.get(k)}")
    print(f"core.sales totals by dealer and month: {f'{len(wrong)} differ' if wrong else f'{len(expected)} agree'}")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warehouse", type=Path, help="path of `warehouse/current`")
    parser.add_argument("--run-date", type=dt.date.fromisoformat, default=dt.date(2026, 6, 30))
    parser.add_argument("--timezone", type=ZoneInfo, default=ZoneInfo("Asia/Shanghai"))
    options = parser.parse_args()
    root = options.warehouse.resolve()
    staged = Staged(root, options.run_date, options.timezone)
    sales, lines = sales_lines(staged), registrations(staged)
    sales_key = ["dealer_code", "order_no", "line_no"]
    line_key = ["month", "source_province", "source_country", "product_type", "source_industry", "source_brand"]
    segment_key = ["year", "region", "product_type", "industry"]
    results = [
        compare_totals(root, sales),
        compare(root, "core.sales", sales_key, keyed(sales, sales_key)),
        compare(root, "core.registration", line_key, keyed(lines, line_key)),
        compare(root, "segment.market", segment_key, segment_market(staged, lines, sales)),
        compare(root, "segment.working_condition", ["year", "working_condition", "product_type"], working_condition(staged, sales)),
        compare(root, "competitor.share", ["month", "region", "product_type", "brand"], competitor_share(staged, lines)),
        compare(root, "competitor.weak_market", ["province", "product_type"], weak_market(staged, lines)),
        compare(root, "complaint.sla", ["month", "kind", "priority", "is_domestic"], complaint_sla(staged)),
        compare(root, "complaint.flow", ["month", "stage"], complaint_flow(staged)),
        compare(root, "sales.order_cycle", ["month", "dealer_code"], order_cycle(staged, sales)),
    ]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
