"""The order lines of one dealer group, as text columns, with the truth about each of them.

In: the number of a group and how many lines it has. Out: a `Group` whose frame holds the cells as the dealer's system
exports them, and for each line whether it must be staged, is replaced by a newer one, or is faulty and how.

Every value is a function of (stream, group, line): the same files from the same arguments, with any version of numpy.
A line is sent again later with a newer version in about one case of a hundred; a tenth of these belong to a key of the
next group (the dealer changed hands), and a tenth move to another month. About one line in a thousand is faulty.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

GROUPS = 24
FIRST_DAY = np.datetime64("2023-07-01")
DAYS = 1096  # 36 months
COLUMNS = [
    "经销商编码", "订单号", "行号", "订单日期", "发运日期", "更新时间", "行类型",
    "产品编码", "客户名称", "省份", "数量", "单价", "金额",
]  # fmt: skip
FAULTS = ["date", "number", "key", "surplus"]

PROVINCES = "江苏 浙江 山东 河南 河北 四川 湖南 湖北 广东 广西 云南 贵州 新疆 内蒙古 黑龙江 陕西".split()
CITIES = "徐州 杭州 济南 郑州 唐山 成都 长沙 武汉 佛山 柳州 昆明 贵阳 昌吉 包头 大庆 西安".split()
WORDS = "恒达 鑫源 金辉 中盛 华通 宏远 天成 瑞丰 永固 顺安 德力 万基 联创 铁塔 东岳 长青".split()
KINDS = "路桥 矿业 租赁 建材 物流 市政 水利 砂石".split()
ENDINGS = ["有限公司", "工程公司", "集团", "(个体)"]
LINE_KINDS = ["整机", "配件", "配件", "配件", "服务", "服务", "退货", "配件"]
# Sixteen lines are four orders of 1, 3, 5 and 7 lines.
ORDER_OF = np.repeat(np.arange(4), [1, 3, 5, 7])
LINE_OF = np.concatenate([np.arange(1, n + 1) for n in (1, 3, 5, 7)])


@dataclass
class Group:
    """The lines of one group in the order of the file; `fault` is −1 for a sound line."""

    frame: pl.DataFrame
    month: np.ndarray
    cents: np.ndarray
    fault: np.ndarray
    replaced: np.ndarray


def noise(stream: int, group: int, index: np.ndarray, below: int) -> np.ndarray:
    """Returns whole numbers below `below`, by SplitMix64 of stream, group and index."""
    with np.errstate(over="ignore"):
        x = index.astype(np.uint64) + np.uint64((stream << 48) + (group << 32))
        x = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x % np.uint64(below)).astype(np.int64)


class Lines:
    """The numbers behind the first sending of every line of a group, and behind what is sent again."""

    def __init__(self, group: int, count: int):
        self.group, self.index = group, np.arange(count)
        index = self.index
        self.order = index // 16 * 4 + ORDER_OF[index % 16]
        self.line = LINE_OF[index % 16]
        self.dealer = group * 10 + noise(1, group, self.order, 10)
        orders = max(int(self.order[-1]) + 1, 1) if count else 1
        self.day = self.order * DAYS // orders
        self.second = 8 * 3600 + noise(2, group, self.order, 10 * 3600)
        self.shipped = np.where(noise(3, group, index, 20) < 3, -1, self.day + 2 + noise(4, group, index, 40))
        self.customer = noise(5, group, self.order, 1 << 19)
        self.product = noise(6, group, index, 4000)
        self.kind = noise(7, group, index, len(LINE_KINDS))
        self.quantity = 1 + noise(8, group, index, 40) * noise(9, group, index, 2)
        self.price = 100 + noise(10, group, self.product, 9_000_000) // (1 + 99 * (self.kind != 0))
        self.fault = faults(group, index, 11)
        self.sent_again = noise(12, group, index, 100) == 0
        self.again_fault = faults(group, index, 13)
        self.elsewhere = noise(14, group, index, 10) == 0

    def replaced(self) -> np.ndarray:
        """Tells which lines are replaced by a sound line that was sent later."""
        return self.sent_again & (self.again_fault < 0)

    def again(self, keep: np.ndarray) -> "Lines":
        """Returns the lines of `keep` as they were sent again."""
        again = Lines.__new__(Lines)
        again.group = self.group
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(again, name, value[keep])
        index = again.index
        again.fault = again.again_fault
        moved = noise(15, self.group, index, 10) == 0
        again.sent = np.minimum(self.day[keep] + 1 + noise(16, self.group, index, 60), DAYS + 60)
        again.day = np.where(moved, (again.day + 35) % DAYS, again.day)
        again.quantity = again.quantity + 1
        again.second = again.second + 7
        return again


def faults(group: int, index: np.ndarray, stream: int) -> np.ndarray:
    """Returns the fault of every line, −1 for none."""
    drawn = noise(stream, group, index, 1000 * len(FAULTS))
    return np.where(drawn < len(FAULTS), drawn, -1)


def group_lines(group: int, count: int, groups: int = GROUPS, corrected: bool = False) -> Group:
    """Makes the file of one group; `corrected` as it is sent again whole, with one quantity in a hundred changed."""
    own = Lines(group, count)
    own.sent = own.day
    if corrected:
        chosen = noise(17, group, own.index, 100) == 0
        own.quantity = own.quantity + 10 * chosen
        own.second = own.second + 1 * chosen
    before = Lines((group - 1) % groups, count)
    parts = [own, own.again(own.sent_again & ~own.elsewhere), before.again(before.sent_again & before.elsewhere)]
    replaced = np.concatenate([own.replaced(), *(np.zeros(len(part.index), bool) for part in parts[1:])])
    order = np.argsort(np.concatenate([part.sent for part in parts]), kind="stable")
    frame = pl.concat([cells(part) for part in parts])[order]
    cents = np.concatenate([part.quantity * part.price for part in parts])[order]
    day = np.concatenate([part.day for part in parts])[order]
    fault = np.concatenate([part.fault for part in parts])[order]
    return Group(frame, (FIRST_DAY + day).astype("datetime64[M]"), cents, fault, replaced[order])


def cells(lines: Lines) -> pl.DataFrame:
    """Returns the cells of lines as text, faults included."""
    fault = pl.Series(lines.fault)
    frame = pl.DataFrame(
        {
            "dealer": lines.dealer, "order": lines.order, "line": lines.line, "kind": lines.kind,
            "product": lines.product, "quantity": lines.quantity, "price": lines.price,
            "amount": lines.quantity * lines.price, "date": FIRST_DAY + lines.day,
            "shipped": FIRST_DAY + lines.shipped, "no_shipping": lines.shipped < 0,
            "updated": (FIRST_DAY + lines.sent).astype("datetime64[ms]") + 1000 * lines.second,
            "customer": lines.customer, "group": np.full(len(lines.day), lines.group), "fault": fault,
        }
    )  # fmt: skip
    is_fault = lambda name: pl.col("fault") == FAULTS.index(name)  # noqa: E731
    text = {
        "经销商编码": pl.format("D{}", pad("dealer", 4)),
        "订单号": pl.when(is_fault("key")).then(pl.lit("")).otherwise(pl.format("SO{}{}", pad("group", 2), pad("order", 7))),
        "行号": pl.col("line").cast(pl.String),
        "订单日期": pl.when(is_fault("date")).then(pl.lit("2024-02-30")).otherwise(pl.col("date").dt.strftime("%Y-%m-%d")),
        "发运日期": pl.when("no_shipping").then(pl.lit("")).otherwise(pl.col("shipped").dt.strftime("%Y-%m-%d")),
        "更新时间": pl.col("updated").dt.strftime("%Y-%m-%d %H:%M:%S"),
        "行类型": word(LINE_KINDS, pl.col("kind")),
        "产品编码": pl.format("P{}", pad("product", 4)),
        "客户名称": customer_name(),
        "省份": word(PROVINCES, pl.col("customer") % 16),
        "数量": pl.col("quantity").cast(pl.String),
        "单价": money("price"),
        "金额": pl.when(is_fault("number")).then(pl.lit("1O0.00")).when(is_fault("surplus"))
        .then(pl.format("{},备注", money("amount"))).otherwise(money("amount")),
    }  # fmt: skip
    return frame.select(**text)


def customer_name() -> pl.Expr:
    """Returns the customer's name; one in 64 has a comma and so stands in quotes."""
    code = pl.col("customer")
    name = pl.concat_str(
        word(CITIES, code % 16), word(WORDS, code // 16 % 16), word(KINDS, code // 256 % 8), word(ENDINGS, code // 2048 % 4)
    )
    branch = pl.format('"{},{}分公司"', name, word(CITIES, code // 8192 % 16))
    return pl.when(code // 8192 == 7).then(branch).otherwise(name)


def word(words: list[str], code: pl.Expr) -> pl.Expr:
    """Returns the word of each code."""
    return code.replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def pad(column: str, width: int) -> pl.Expr:
    """Returns a whole number with leading zeros."""
    return pl.col(column).cast(pl.String).str.zfill(width)


def money(column: str) -> pl.Expr:
    """Returns an amount of cents as a decimal."""
    return pl.format("{}.{}", pl.col(column) // 100, (pl.col(column) % 100).cast(pl.String).str.zfill(2))
