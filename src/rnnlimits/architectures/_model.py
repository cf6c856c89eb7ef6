"""encoder ─► architecture ─► read-out: the model of one replica.

Tokens pass an embedding, real inputs pass unchanged; the architecture is causal in time; the read-out
is y_t = W h_t + b, at the last step only where the task asks for one answer a sequence.
"""

from torch import Tensor, nn

from rnnlimits.architectures.base import Architecture

# Shape letters: B sequences, T time steps, I inputs, H hidden units, O outputs.
State = tuple[Tensor, ...] | None
ENCODER, ARCHITECTURE, READOUT = "encoder", "architecture", "readout"  # begin the names of a model's weights


class Model(nn.Module):
    def __init__(self, encoder: nn.Module, architecture: Architecture, readout: nn.Linear, reads_last: bool):
        super().__init__()
        self.encoder = encoder
        self.architecture = architecture
        self.readout = readout
        self.task_reads_last = reads_last

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """x is (B, T, I) real or (B, T) tokens; the output is (B, T, O), or (B, 1, O) of the last step."""
        y_BTH, state = self.architecture(self.encoder(x[:, self.first_step(state) :]), state)
        return self.readout(y_BTH[:, -1:] if self.task_reads_last else y_BTH), state

    def first_step(self, state: State) -> int | None:
        """Where the last answer's inputs begin: what a window network cannot see need not be computed."""
        window = self.architecture.receptive_field
        return -window if window and self.task_reads_last and state is None else None
