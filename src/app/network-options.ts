import { isIP } from 'node:net';
import { errorMaker } from '../base/errors.ts';
import type { ContainerNetwork } from '../containers/types.ts';
import type { PortWish, Protocol } from '../runtime/network/types.ts';

type NetworkErrors = {
  RUN_NETWORK: { network: string };
  RUN_PORT: { port: string; problem: string };
  RUN_PORT_CONFLICT: object;
};
const networkError = errorMaker<NetworkErrors>({
  RUN_NETWORK: ({ network }) => ({
    message: `network ${network} not found`,
    hint: 'want host, none, bridge or container:NAME; networks with names of their own come in a later version',
  }),
  RUN_PORT: ({ port, problem }) => ({
    message: `port "${port}": ${problem}`,
    hint: 'for example -p 8080:80, -p 127.0.0.1:8080:80, -p 53:53/udp, -p 8000-8010:8000-8010, -p 80',
  }),
  RUN_PORT_CONFLICT: () => ({
    message: 'conflicting options: port publishing and the container type network mode',
    hint: 'publish the port where the network is made: at the other container',
  }),
});

export interface NetworkOptions {
  /** `host`, `none`, `bridge` or `container:NAME`. Without it `bridge` if a port is published, else `host`. */
  readonly network?: string | undefined;
  /** `[[IP:]HOST:]CONTAINER[/tcp|udp]`, with ranges. */
  readonly publish?: readonly string[] | undefined;
  /** Every exposed port on a free one. */
  readonly publishAll?: boolean | undefined;
  /** `PORT[-PORT][/tcp|udp]`. */
  readonly expose?: readonly string[] | undefined;
}

export interface NetworkChoice {
  /** Of the process, while nothing is made for it. */
  readonly process: 'host' | 'none';
  readonly network?: ContainerNetwork | undefined;
  /** The image's, with those given here: `80/tcp`. */
  readonly exposed: readonly string[];
  readonly warning?: string | undefined;
}

/** What the options come to for an image that exposes these ports. @throws RUN_NETWORK, RUN_PORT, RUN_PORT_CONFLICT */
export function chooseNetwork(o: NetworkOptions, imageExposed: readonly string[]): NetworkChoice {
  const given = (o.publish ?? []).flatMap(parsePublished);
  const asked = [...imageExposed, ...(o.expose ?? [])].flatMap(parseExposed);
  const exposed = [...new Set([...asked, ...given.map(portName)])].sort(byPort);
  const isPublished = given.length > 0 || o.publishAll === true;
  const mode = o.network ?? (isPublished ? 'bridge' : 'host');
  if (mode === 'bridge' || mode === 'default') {
    const taken = new Set(given.map(portName));
    const all = o.publishAll === true ? exposed.filter((port) => !taken.has(port)).map(wishOf) : [];
    return { process: 'none', network: { mode: 'bridge', ports: [...given, ...all] }, exposed };
  }
  if (mode.startsWith('container:') && mode !== 'container:') {
    if (isPublished) throw networkError('RUN_PORT_CONFLICT', {});
    return { process: 'none', network: { mode: 'container', of: mode.slice('container:'.length) }, exposed };
  }
  if (mode !== 'host' && mode !== 'none') throw networkError('RUN_NETWORK', { network: mode });
  return {
    process: mode,
    exposed,
    warning: isPublished ? `Published ports are discarded when using ${mode} network mode` : undefined,
  };
}

const portName = ({ containerPort, protocol }: PortWish): string => `${containerPort}/${protocol}`;
const byPort = (a: string, b: string): number =>
  Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);

function wishOf(port: string): PortWish {
  const [number, protocol] = port.split('/');
  return { containerPort: Number(number), protocol: protocol as Protocol };
}

/** docker's `--publish`: one wish for each port of a range. @throws RUN_PORT */
export function parsePublished(text: string): PortWish[] {
  const [whole, protocol] = withProtocol(text, text);
  const match = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(?:([^:]*):)?([^:]+)$/.exec(
    // One colon parts ports, two an address from them.
    (whole.match(/:/g)?.length ?? 0) === 1 && !whole.startsWith('[') ? `:${whole}` : whole,
  );
  if (match === null) throw networkError('RUN_PORT', { port: text, problem: 'want [[IP:]HOST:]CONTAINER' });
  const [, bracketed, plain, host = '', container = ''] = match;
  const ip = bracketed ?? plain ?? '';
  if (ip !== '' && isIP(ip) === 0)
    throw networkError('RUN_PORT', { port: text, problem: `"${ip}" is no address` });
  const inside = parseRange(container, text);
  const outside = host === '' ? undefined : parseRange(host, text);
  const hostIp = ip === '' || ip === '0.0.0.0' ? undefined : ip;
  const count = inside[1] - inside[0] + 1;
  const isParallel = outside !== undefined && outside[1] - outside[0] + 1 === count;
  if (outside !== undefined && count > 1 && !isParallel)
    throw networkError('RUN_PORT', { port: text, problem: 'the two ranges are of different length' });
  return Array.from({ length: count }, (_, at): PortWish => {
    const hostPorts =
      outside === undefined
        ? undefined
        : isParallel
          ? ([outside[0] + at, outside[0] + at] as const)
          : outside;
    return { protocol, containerPort: inside[0] + at, hostIp, hostPorts };
  });
}

/** `80/tcp` for each port of `PORT[-PORT][/PROTOCOL]`. @throws RUN_PORT */
export function parseExposed(text: string): string[] {
  const [whole, protocol] = withProtocol(text, text);
  const [first, last] = parseRange(whole, text);
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol}`);
}

function withProtocol(text: string, port: string): readonly [string, Protocol] {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return [text, 'tcp'];
  const protocol = text.slice(slash + 1).toLowerCase();
  if (protocol !== 'tcp' && protocol !== 'udp')
    throw networkError('RUN_PORT', { port, problem: `protocol "${protocol}", want tcp or udp` });
  return [text.slice(0, slash), protocol];
}

const MAX_PORT = 65535;

function parseRange(text: string, port: string): readonly [number, number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1] ?? 0);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last > MAX_PORT || last < first)
    throw networkError('RUN_PORT', { port, problem: `"${text}" is no port, want 1 to ${MAX_PORT}` });
  return [first, last];
}
