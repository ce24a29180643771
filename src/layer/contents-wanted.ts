/** Thrown when digests of so much content are asked for that the whole index, which workers make, is better. */
export class ContentsWanted extends Error {
  override readonly name = 'ContentsWanted';
}
