import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { lendMemory } from '../base/lent-bytes.ts';

/** Bytes of one piece of memory that reads go into, one behind the other; a socket of Node's own reads 64 KiB into a new piece each time. */
const PIECE_BYTES = 1024 * 1024;
/** With less room than this a new piece is begun: a read of a few bytes costs as much as a large one. */
const LEAST_ROOM_BYTES = 256 * 1024;
/** Pieces that a connection keeps to read into again: what is read, parsed, hashed and written at one time. */
const MOST_SPARE_PIECES = 6;

interface Piece {
  readonly memory: Buffer<ArrayBuffer>;
  /** Where reads begin and end whose bytes somebody may still look at. */
  readonly reads: Map<number, number>;
}

/**
 * A connection whose reads bring as much as is there, up to 1 MiB: over fast lines a tenth of the turns of reading, parsing, hashing and writing. Otherwise a socket as any.
 * The memory is lent (`lent-bytes.ts`): when all of a full piece came back it is read into again, still warm, instead of new memory that the kernel must clear first.
 */
export function connectRoomy(options: TcpSocketConnectOpts): Socket {
  const spare: Piece[] = [];
  let piece: Piece | undefined;
  let room = Buffer.alloc(0);

  const create = (): Piece => {
    const memory = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const made: Piece = { memory, reads: new Map() };
    lendMemory(memory.buffer, ({ byteOffset, length }) => {
      for (const [start, end] of made.reads)
        if (start >= byteOffset && end <= byteOffset + length) made.reads.delete(start);
      if (made !== piece) keep(made);
    });
    return made;
  };
  const keep = (used: Piece): void => {
    if (
      used.reads.size === 0 &&
      spare.length < MOST_SPARE_PIECES &&
      !spare.includes(used) &&
      !socket.destroyed
    )
      spare.push(used);
  };
  const socket: Socket = connect({
    ...options,
    onread: {
      buffer: () => {
        if (room.length < LEAST_ROOM_BYTES) {
          const full = piece;
          piece = spare.pop() ?? create();
          if (full !== undefined) keep(full);
          room = piece.memory;
        }
        return room;
      },
      callback: (size) => {
        const read = room.subarray(0, size);
        room = room.subarray(size);
        piece!.reads.set(read.byteOffset, read.byteOffset + size);
        // False stops reading until the stream asks again, as with a socket of Node's own.
        return socket.push(read);
      },
    },
  });
  return socket;
}
