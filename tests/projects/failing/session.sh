# What fails, what cannot tell, what is skipped after it, and what a retry does.
synth build --report junit=run.xml --report markdown=run.md --report github=run.txt
synth plan
synth build --log-format json
synth ls --select result:fail
synth ls --select result:error --select result:skipped
sed -i "s/most: 20/most: 99/; s/harbour\]/harbour, hill]/; s/, error_if: .> 2.//; s/cast(branch as integer)/length(branch)/; s/on_inconclusive: fail/on_inconclusive: warn/" models/members.yml
synth retry
sed -i "s/most: 99/most: 9/" models/members.yml
synth build --fail-fast --quiet --select tag:count+
synth build --fail-on inconclusive --select members
synth audit --select beside
synth show unclear
synth query "select * from after"
synth query "select nothing from after"
synth show nothing
synth build --select nothing
synth build --select tag:none
synth clean
