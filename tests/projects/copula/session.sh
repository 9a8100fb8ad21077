# SDV's Gaussian copula with conditions, made-up names and keys, and the audits of a model that names none.
synth compile
synth plan
synth plan --output json > plan.json
synth build
synth show members
