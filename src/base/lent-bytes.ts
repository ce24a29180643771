/** Who wants a piece of memory back. */
const lenders = new WeakMap<ArrayBufferLike, (chunk: Uint8Array) => void>();

/** Says that whoever reads bytes in this memory last may give it back. `onReturn` is told once, with the chunk that came back. */
export function lendMemory(memory: ArrayBufferLike, onReturn: (chunk: Uint8Array) => void): void {
  lenders.set(memory, onReturn);
}

/**
 * Gives the chunk's memory back to whoever lent it, if it was lent: for the one reader who has done all that is to be done with the bytes. What is never given back is
 * collected as ever, so nobody must call this.
 */
export function giveBack(chunk: Uint8Array): void {
  const memory = chunk.buffer;
  const onReturn = lenders.get(memory);
  if (onReturn === undefined) return;
  lenders.delete(memory);
  onReturn(chunk);
}
