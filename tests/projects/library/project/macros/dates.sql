{% macro year(column) -%}
extract(year from {{ column }})
{%- endmacro %}

{% macro is_late(column, most=30) -%}
{{ column }} > {{ most }}
{%- endmacro %}
