-- Nobody keeps a book for longer than a limit.
select member_id, days from {{ this }} where {{ is_late('days', limit) }}
