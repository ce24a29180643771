export interface ReadPort {
  /** What stands before the last colon, empty where nothing does. */
  readonly host: string;
  readonly protocol: string;
}

/** A port of EXPOSE in its parts; undefined if it is none that builders accept. */
export function readPort(text: string): ReadPort | undefined {
  const cut = text.lastIndexOf(':');
  const [port = '', protocol = ''] = text.slice(cut + 1).split(/\/(.*)/s);
  if (!/^\d+(?:-\d+)?$/.test(port) || !/^(?:tcp|udp|sctp)?$/i.test(protocol)) return undefined;
  // `:80` has an empty host port, which is as good as none.
  return { host: cut < 0 ? '' : text.slice(0, cut), protocol };
}
