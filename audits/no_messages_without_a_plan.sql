-- Voice mail needs a voice-mail plan.
select *
from {{ this }}
where number_vmail_messages > 0 and voice_mail_plan = 'no'
