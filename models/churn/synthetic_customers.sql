-- The copula knows that charges rise with minutes, not that they are minutes times a rate.
select
    * replace (
        {{ charge('total_day_minutes', 0.17) }} as total_day_charge,
        {{ charge('total_eve_minutes', 0.085) }} as total_eve_charge,
        {{ charge('total_night_minutes', 0.045) }} as total_night_charge,
        {{ charge('total_intl_minutes', 0.27) }} as total_intl_charge,
        case when voice_mail_plan = 'yes' then number_vmail_messages else 0 end as number_vmail_messages
    )
from {{ ref('churn_draft') }}
