"""Writes the pipeline folders that tallyhouse is measured with: one contract, no models.

In: a folder, a location of extracts, whether rows are keyed. Out: the path of the pipeline file. The contract is the same
as `jobs.py`'s work: 13 columns of files, one derived month, codes of the line kind, key of three columns, latest version.
"""

import pathlib

PIPELINE = """\
name: bench
warehouse: {warehouse}
timezone: UTC
run_date: 2026-12-31
sources: sources/*.yaml
models: sql
"""

SOURCE = """\
name: orders
location: {location}
format: {format}
{key}partition_by: [order_month]
reject_limit: {{ share: 0.02 }}
columns:
  dealer_code: {{ type: string, required: true, from: [经销商编码] }}
  order_no: {{ type: string, required: true, from: [订单号] }}
  line_no: {{ type: int, required: true, from: [行号] }}
  order_date: {{ type: date, from: [订单日期] }}
  shipped_date: {{ type: date, from: [发运日期] }}
  updated_at: {{ type: timestamp, from: [更新时间] }}
  line_kind: {{ type: string, from: [行类型], codes: {{ 整机: machine, 配件: part, 服务: service, 退货: return }} }}
  product_code: {{ type: string, from: [产品编码] }}
  customer_name: {{ type: string, from: [客户名称] }}
  province: {{ type: string, from: [省份] }}
  quantity: {{ type: int, from: [数量] }}
  unit_price: {{ type: "decimal(18,2)", from: [单价] }}
  amount: {{ type: "decimal(18,2)", from: [金额] }}
  order_month: {{ type: date, derive: "date_trunc('month', order_date)" }}
"""

KEY = "key: [dealer_code, order_no, line_no]\nversion: { from_column: updated_at }\n"


def write(folder: pathlib.Path, location: str, keyed: bool, form: str = "csv") -> pathlib.Path:
    """Writes a pipeline whose warehouse lies beside it, and returns its file."""
    (folder / "sources").mkdir(parents=True)
    (folder / "sql").mkdir()
    path = folder / "bench.yaml"
    path.write_text(PIPELINE.format(warehouse=folder / "warehouse"), encoding="utf-8")
    source = SOURCE.format(location=location, format=form, key=KEY if keyed else "")
    (folder / "sources" / "orders.yaml").write_text(source, encoding="utf-8")
    return path


def tables(folder: pathlib.Path) -> tuple[str, str]:
    """Returns the globs of the staged and the quarantined rows of the served snapshot."""
    private = (folder / "warehouse" / "current").resolve() / "private"
    return f"{private}/staged/orders/data/**/*.parquet", f"{private}/quarantine/orders/data/**/*.parquet"
