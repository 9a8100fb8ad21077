select * from {{ this }} where n > {{ most }}
