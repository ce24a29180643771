import { publishedPorts } from '../containers/network-facts.ts';
import type { Container } from '../containers/types.ts';
import type { PublishedPort } from '../runtime/network/types.ts';

/** docker's PORTS: `0.0.0.0:8080->80/tcp`, neighbours as ranges, exposed ports that are not published without an arrow. Empty unless it runs with an address of its own. */
export function formatPorts(container: Container): string {
  const { state, config } = container;
  if (state.kind !== 'running' || state.network?.address === undefined) return '';
  const ports = publishedPorts(container);
  const published = new Set(ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const exposed = Object.keys(config.ExposedPorts ?? {}).filter((port) => !published.has(port));
  return [...exposed, ...rangesOf(ports).map(formatRange)].join(', ');
}

/** `0.0.0.0:8080`, `[::]:8080`. */
export const formatAddress = (ip: string, port: number | string): string =>
  `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;

interface Range {
  readonly first: PublishedPort;
  last: PublishedPort;
}

function rangesOf(ports: readonly PublishedPort[]): Range[] {
  const ranges: Range[] = [];
  for (const port of ports) {
    const before = ranges.find(
      ({ last }) =>
        last.hostIp === port.hostIp &&
        last.protocol === port.protocol &&
        last.containerPort + 1 === port.containerPort &&
        last.hostPort + 1 === port.hostPort,
    );
    if (before === undefined) ranges.push({ first: port, last: port });
    else before.last = port;
  }
  return ranges;
}

function formatRange({ first, last }: Range): string {
  const span = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
  const outside = formatAddress(first.hostIp, span(first.hostPort, last.hostPort));
  return `${outside}->${span(first.containerPort, last.containerPort)}/${first.protocol}`;
}
