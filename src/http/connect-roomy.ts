import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { lendMemory } from '../base/lent-bytes.ts';

/** Bytes of one piece of memory that reads go into, one behind the other; a socket of Node's own reads 64 KiB into a new piece each time. */
const PIECE_BYTES = 256 * 1024;
/** With less room than this a new piece is begun: a read of a few bytes costs as much as a large one. */
const LEAST_ROOM_BYTES = 64 * 1024;
/** Pieces that a connection keeps to read into again: what is read, parsed, hashed and written at one time. */
const MOST_SPARE_PIECES = 6;

/**
 * A connection whose reads bring as much as is there, up to 256 KiB: over fast lines a fifth of the time of reading and parsing. Otherwise a socket as any.
 * Memory that one read filled is lent (`lent-bytes.ts`): what comes back is read into again, still warm, instead of new memory that the kernel must clear first.
 */
export function connectRoomy(options: TcpSocketConnectOpts): Socket {
  const spare: Buffer<ArrayBuffer>[] = [];
  let whole = Buffer.alloc(0);
  let room = whole;
  const socket: Socket = connect({
    ...options,
    onread: {
      buffer: () => {
        if (room.length < LEAST_ROOM_BYTES) {
          whole = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
          room = whole;
        }
        return room;
      },
      callback: (size) => {
        const read = room.subarray(0, size);
        const piece = whole;
        room = room.subarray(size);
        // Of a piece with several reads nobody knows when the last is done with.
        if (read.length === size && read.byteOffset === piece.byteOffset && room.length < LEAST_ROOM_BYTES)
          lendMemory(piece.buffer, (chunk) => {
            // Bytes may come in several chunks; only behind the last one is nobody left who reads.
            const isLast = chunk.byteOffset + chunk.length === read.byteOffset + size;
            if (isLast && spare.length < MOST_SPARE_PIECES && !socket.destroyed) spare.push(piece);
          });
        // False stops reading until the stream asks again, as with a socket of Node's own.
        return socket.push(read);
      },
    },
  });
  return socket;
}
