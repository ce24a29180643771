/** Who wants a piece of memory back. */
const lenders = new WeakMap<ArrayBufferLike, (chunk: Uint8Array) => void>();

/** Says that whoever reads bytes in this memory last may give them back. `onReturn` is told of each chunk that comes back, also of one that came back before. */
export function lendMemory(memory: ArrayBufferLike, onReturn: (chunk: Uint8Array) => void): void {
  lenders.set(memory, onReturn);
}

/**
 * Gives the chunk's bytes back to whoever lent their memory, if it was lent: for the one reader who has done all that is to be done with them. What is never given back is
 * collected as ever, so nobody must call this.
 */
export function giveBack(chunk: Uint8Array): void {
  lenders.get(chunk.buffer)?.(chunk);
}
