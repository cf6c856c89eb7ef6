"""One shard ─► rows: build the replicas, train them, choose on validation, read test once, probe.

protocol      the order of it all: begin to read here
refit         what a cross-validation has chosen is filled into the shard
arithmetic    what decides the last digits: the processor, and who computes on it
build         the shard's task, and a model with fresh weights for each seed
groups        how many replicas are trained at once, and their sequences
trainer       Lightning's loop around a group
module        one update of a group, its validations and its checkpoint, as a LightningModule
progress      what a training tells while it runs
replica       what is known of one replica, and how its training ends
rule          by what a task chooses among weights and learning rates
replicas      many models of one shape as one
streams, optimisers, schedules, dropout, gradient_norm_penalty, evaluation, checkpoints, cuda_graph, device
              what an update, a validation or a job is made of
probing       the probes, before training and after
row_writer    what was measured, as rows; units, clock: what stands beside it
kept_weights  the weights that stay, beside the rows
loading       a kept replica, from there
simulation    shards that train nothing
"""
