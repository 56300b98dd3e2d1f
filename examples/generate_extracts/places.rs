//! Places, trades and brands: the fixed words of the invented market.

/// A province of the home market, or a country abroad standing in for one.
pub struct Place {
    pub province: &'static str,
    pub region: &'static str,
    pub country: &'static str,
    /// Market size, relative.
    pub weight: i64,
}

/// A line of business of customers, with the spellings in which extracts carry it.
pub struct Industry {
    pub code: &'static str,
    pub group: &'static str,
    pub is_core: bool,
    pub is_served: bool,
    pub aliases: &'static [&'static str],
    /// Market growth in percent a year.
    pub growth: i64,
}

/// A maker of machines.
pub struct Brand {
    pub code: &'static str,
    pub role: &'static str,
    pub level: &'static str,
    pub intent: &'static str,
    /// Share of the market in the first month, relative.
    pub weight: i64,
    /// Growth against the market in percent a year.
    pub momentum: i64,
    /// Price level in percent of the market's.
    pub price: i64,
}

const fn place(province: &'static str, region: &'static str, country: &'static str, weight: i64) -> Place {
    Place { province, region, country, weight }
}

/// Every place in which something is sold; those abroad come last.
pub const PLACES: [Place; 18] = [
    place("江苏", "华东", "CN", 16),
    place("浙江", "华东", "CN", 13),
    place("山东", "华东", "CN", 14),
    place("广东", "华南", "CN", 17),
    place("广西", "华南", "CN", 5),
    place("河南", "华中", "CN", 9),
    place("湖北", "华中", "CN", 8),
    place("河北", "华北", "CN", 8),
    place("内蒙古", "华北", "CN", 7),
    place("辽宁", "东北", "CN", 6),
    place("四川", "西南", "CN", 9),
    place("云南", "西南", "CN", 5),
    place("陕西", "西北", "CN", 6),
    place("新疆", "西北", "CN", 7),
    place("DE", "欧洲", "DE", 6),
    place("TH", "东南亚", "TH", 5),
    place("BR", "南美", "BR", 5),
    place("KZ", "中亚", "KZ", 4),
];

/// The product types with the price of a middling machine in yuan.
pub const PRODUCT_TYPES: [(&str, i64); 4] =
    [("generator_set", 420_000), ("compressor", 180_000), ("loader", 350_000), ("excavator", 760_000)];

const fn industry(
    code: &'static str,
    group: &'static str,
    flags: (bool, bool),
    growth: i64,
    aliases: &'static [&'static str],
) -> Industry {
    Industry { code, group, is_core: flags.0, is_served: flags.1, aliases, growth }
}

/// The industries; the last one is not served.
pub const INDUSTRIES: [Industry; 8] = [
    industry("power", "energy", (true, true), 6, &["电力", "电力行业", "发电", "Power"]),
    industry("oil_gas", "energy", (false, true), -4, &["石油天然气", "油气", "Oil & Gas"]),
    industry("mining", "resources", (true, true), 9, &["采矿", "矿山", "矿业", "Mining"]),
    industry("construction", "infrastructure", (true, true), -7, &["建筑", "工程建设", "Construction"]),
    industry("rental", "infrastructure", (false, true), 12, &["租赁", "设备租赁", "Rental"]),
    industry("data_center", "services", (false, true), 25, &["数据中心", "IDC", "Data Center"]),
    industry("logistics", "services", (false, true), 3, &["物流", "港口物流", "Logistics"]),
    industry("agriculture", "other", (false, false), 1, &["农业", "Agriculture"]),
];

/// The brands of the market, the own one first; all invented.
pub const BRANDS: [Brand; 6] = [
    brand("TORVANE", "own", ("brand", "own"), (24, 2, 104)),
    brand("KELMORIS", "competitor", ("brand", "attack"), (27, -5, 121)),
    brand("YUNQIAO", "competitor", ("brand", "defend"), (20, 9, 83)),
    brand("OSTRAVEK", "competitor", ("industry", "watch"), (13, 0, 112)),
    brand("BAISHUO", "competitor", ("form", "watch"), (10, 14, 74)),
    brand("VELDUNA", "competitor", ("budget", "ignore"), (6, -8, 97)),
];

const fn brand(
    code: &'static str,
    role: &'static str,
    words: (&'static str, &'static str),
    numbers: (i64, i64, i64),
) -> Brand {
    let (weight, momentum, price) = numbers;
    Brand { code, role, level: words.0, intent: words.1, weight, momentum, price }
}

/// Sales of a calendar month against the mean of its year, in percent.
pub const SEASON: [i64; 12] = [82, 58, 122, 118, 112, 104, 96, 94, 108, 98, 104, 112];

/// Finds the region of a province.
pub fn region(province: &str) -> &'static str {
    PLACES.iter().find(|place| place.province == province).map_or("unknown", |place| place.region)
}

/// Lists the regions in which something is sold.
pub fn regions() -> Vec<&'static str> {
    let mut regions: Vec<_> = PLACES.iter().map(|place| place.region).collect();
    regions.dedup();
    regions
}

/// Gives the word that Chinese files use for a product type.
pub fn product_word(product_type: &str) -> &'static str {
    match product_type {
        "generator_set" => "发电机组",
        "compressor" => "空压机",
        "loader" => "装载机",
        _ => "挖掘机",
    }
}

/// Finds the currency in which a country pays.
pub fn currency(country: &str) -> &'static str {
    match country {
        "CN" => "CNY",
        "DE" => "EUR",
        "TH" => "THB",
        "BR" => "BRL",
        _ => "USD",
    }
}

/// Gives yuan per million units of a currency in a month `count` months after the first.
pub fn rate_micros(currency: &str, count: i64) -> i64 {
    let (base, swing) = match currency {
        "CNY" => return 1_000_000,
        "EUR" => (7_740_000, 21_000),
        "THB" => (203_500, 700),
        "BRL" => (1_318_000, 5_300),
        _ => (7_180_000, 9_000),
    };
    base + swing * ((count * 7) % 11 - 5)
}

/// Gives a number that looks random but follows from the words alone.
pub fn mark(words: &[&str]) -> i64 {
    let mix = |sum: i64, byte: u8| (sum * 31 + i64::from(byte)) % 1_000_003;
    words.iter().flat_map(|word| word.bytes()).fold(7, mix)
}
