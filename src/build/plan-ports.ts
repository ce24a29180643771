const MAX_PORT = 65_535;
const PORT = /^(?:.*:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i;

/** `port/protocol` of each port that an EXPOSE word names, tcp unless it says otherwise; undefined if it is none. An address or host port before the last colon is passed over. */
export function parsePorts(text: string): string[] | undefined {
  const match = PORT.exec(text);
  if (match === null) return undefined;
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  if (low > high || high > MAX_PORT) return undefined;
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: high - low + 1 }, (_, i) => `${low + i}/${protocol}`);
}
