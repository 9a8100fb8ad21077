{% macro charge(minutes, rate) -%}
round({{ minutes }} * {{ rate }}, 2)
{%- endmacro %}

{% macro differs(a, b, tolerance=0.015) -%}
abs({{ a }} - {{ b }}) > {{ tolerance }}
{%- endmacro %}
