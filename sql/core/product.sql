/* ---
description: >
  Products as the reference delivers them. The member `unknown` takes the facts of a product code that the reference
  does not name.
owner: data-platform
key: [product_code]
columns:
  product_code: { type: string, title: { zh: 产品编码, en: Product code }, description: Code of the product. }
  name: { type: string, title: { zh: 产品名称, en: Product name }, description: Name of the product. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: "Type by which markets are cut." }
  series: { type: string, title: { zh: 系列, en: Series }, description: Product series. }
  product_class: { type: string, title: { zh: 产品类别, en: Product class }, description: "machine, part or service." }
  launch_date: { type: date, title: { zh: 上市日期, en: Launch date }, description: First day on sale. }
  standard_price: { type: double, unit: reporting currency, title: { zh: 标准价格, en: Standard price }, description: List price of one unit. }
checks:
  - not_null: [product_code, product_type, series, product_class]
  - unique: [product_code]
  - accepted_values: { column: product_class, values: [machine, part, service, unknown] }
  - expr: standard_price >= 0
--- */
SELECT
    product_code,
    name,
    coalesce(product_type, 'unknown') AS product_type,
    coalesce(series, 'unknown') AS series,
    coalesce(product_class, 'unknown') AS product_class,
    launch_date,
    CAST(standard_price AS DOUBLE) AS standard_price
FROM staged.product
WHERE product_code <> 'unknown'
UNION ALL
SELECT 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', CAST(NULL AS DATE), CAST(NULL AS DOUBLE)
