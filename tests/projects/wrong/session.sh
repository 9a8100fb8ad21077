# Every fault in one report, with file, line, column and fix.
synth compile
mv models/models.yml models/sources.yml other
cp other/yaml.yml models/yaml.yml
synth compile
mv models/yaml.yml other
cp other/rows.yml models/rows.yml
synth compile
mv models/rows.yml other
cp other/late.yml models/late.yml
sed -i "/^models:/,$d" synth_project.yml
synth compile
synth plan
synth build
synth ls --select "odd+"
synth build --target nowhere
synth build --vars "{a: "
synth frobnicate
