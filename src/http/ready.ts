import type { Socket } from 'node:net';

/** The socket once it is connected. While it is not, it is in `opening`, so that whoever has waited enough can end it. */
export function ready<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  opening: Set<Socket>,
): Promise<S> {
  opening.add(socket);
  // Stays. An error between this moment and the next owner's listener would end the process; and an alert of TLS only emits an error,
  // so that the end of the stream that follows would be taken for the reason.
  socket.on('error', (error) => socket.destroy(error));
  return new Promise<S>((resolve, reject) => {
    const closed = (): void => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    socket.once('error', reject).once('close', closed);
    socket.once(event, () => {
      socket.removeListener('error', reject).removeListener('close', closed);
      resolve(socket);
    });
  }).finally(() => opening.delete(socket));
}
