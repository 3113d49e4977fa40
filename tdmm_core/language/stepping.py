"""One frame at a time through the Language2Motion network, as quick as a small machine can: the fast twin of `L2MNetwork.next_code`.

Weights lie as the product wants them, the readout is folded into one matrix, and every product has the same number of rows whoever is asked for:
a matrix product rounds by its size, so that a motion is then the same to the last bit whatever stands beside it. All else runs on the rows in use.
Knows neither prompts nor how a code is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as fn

from tdmm_core.language.l2m_network import L2MNetwork
from tdmm_core.language.motion_transformer import NORM_EPS, Block, Cache, rotate

SMALL = 30_000_000
"Parameters up to which weights are copied the way that the product wants them; a large network has no room for a second copy, and little use of one."


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layer:
    """A block's weights, (in, out) each, with the gains of its two norms."""

    gain: torch.Tensor
    project_in: torch.Tensor
    project_out: torch.Tensor
    feed_gain: torch.Tensor
    feed_in: torch.Tensor
    feed_out: torch.Tensor


class Steps:
    """Puts one code an item behind the cache and tells the logits of the next."""

    def __init__(self, network: L2MNetwork, *, rows: int) -> None:
        """`rows` is the number that every product has; at most so many items can be asked for at once."""
        decoder, readout = network.decoder, network.readout
        self.rows, self.num_codes, self.num_heads = rows, network.num_codes, decoder.num_heads
        self._table, self._angles, self._gain = network.codes(), decoder.table, decoder.norm.weight
        copied = sum(p.numel() for p in network.parameters()) < SMALL
        self._layers = [_layer(block, copied=copied) for block in decoder.blocks]
        heads = torch.cat([readout.end.weight, readout.hold.weight])  # (2, D)
        self._read = torch.cat([self._table @ readout.turn.weight, heads]).t().contiguous()  # (D, K + 2)
        self._bias = torch.cat([self._table.new_zeros(network.num_codes), readout.end.bias, readout.hold.bias])
        widths = {weight.shape[0] for layer in self._layers for weight in (layer.project_in, layer.feed_out)}
        self._room = {width: self._table.new_zeros(rows, width) for width in widths}

    def __call__(self, codes: torch.Tensor, mask: torch.Tensor, cache: Cache) -> torch.Tensor:
        """(n, num_codes + 1) logits behind codes (n,); `mask` (n, 1, 1, places so far) is added to attention, 0 or -inf."""
        x = self._table[codes]
        angles, end = self._angles[:, cache.length : cache.length + 1], cache.length + 1
        for number, layer in enumerate(self._layers):
            query_key_value = self._product(_normed(x, layer.gain), layer.project_in).view(x.shape[0], 3, self.num_heads, 1, -1)
            query, key = rotate(query_key_value[:, :2], angles).unbind(1)  # (n, heads, 1, head_dim)
            cache.keys[number][:, :, end - 1 : end] = key
            cache.values[number][:, :, end - 1 : end] = query_key_value[:, 2]
            seen = (cache.keys[number][:, :, :end], cache.values[number][:, :, :end])
            mixed = fn.scaled_dot_product_attention(query, *seen, attn_mask=mask)
            x = x + self._product(mixed.reshape(x.shape[0], -1), layer.project_out)
            gate, value = self._product(_normed(x, layer.feed_gain), layer.feed_in).chunk(2, -1)
            x = x + self._product(fn.silu(gate) * value, layer.feed_out)
        cache.length = end
        told = self._product(_normed(x, self._gain), self._read) + self._bias
        logits, hold = told[:, :-1], told[:, -1:]
        return logits.scatter_add(-1, codes[:, None], hold)

    def _product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """x (n, in) times weight (in, out), by a product of `rows` rows."""
        if x.shape[0] == self.rows:
            return x @ weight
        room = self._room[x.shape[1]]
        room[: x.shape[0]] = x
        return (room @ weight)[: x.shape[0]]


def _normed(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    return fn.rms_norm(x, gain.shape, gain, NORM_EPS)


def _layer(block: Block, *, copied: bool) -> _Layer:
    attention, feed = block.attention, block.feed_forward
    turned = [m.weight.t() for m in (attention.project_in, attention.project_out, feed.project_in, feed.project_out)]
    turned = [weight.contiguous() for weight in turned] if copied else turned
    return _Layer(
        gain=block.attention_norm.weight, project_in=turned[0], project_out=turned[1], feed_gain=block.feed_forward_norm.weight,
        feed_in=turned[2], feed_out=turned[3],
    )  # fmt: skip
