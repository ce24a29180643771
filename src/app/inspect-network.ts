import { networkMode, publishedPorts } from '../containers/network-facts.ts';
import type { Container } from '../containers/types.ts';

interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** docker's NetworkSettings: addresses and ports of a container that runs, empty texts of one that does not. */
export function networkSettings(container: Container): Readonly<Record<string, unknown>> {
  const { state, network, config } = container;
  const address = state.kind === 'running' ? state.network?.address : undefined;
  const own = {
    Gateway: address?.gateway ?? '',
    IPAddress: address?.address ?? '',
    IPPrefixLen: address?.prefix ?? 0,
    MacAddress: address?.mac ?? '',
  };
  // docker names what is only exposed with null.
  const ports: Record<string, Binding[] | null> = {};
  if (address !== undefined) for (const port of Object.keys(config.ExposedPorts ?? {})) ports[port] = null;
  for (const { containerPort, protocol, hostIp, hostPort } of publishedPorts(container)) {
    const name = `${containerPort}/${protocol}`;
    ports[name] = [...(ports[name] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }];
  }
  const mode = networkMode(container);
  return {
    Ports: ports,
    ...own,
    Networks: network?.mode === 'container' ? {} : { [mode]: own },
  };
}

/** docker's PortBindings: what was asked for. */
export function portBindings({ network }: Container): Readonly<Record<string, readonly Binding[]>> {
  const bindings: Record<string, Binding[]> = {};
  if (network?.mode !== 'bridge') return bindings;
  for (const { containerPort, protocol, hostIp = '', hostPorts } of network.ports) {
    const name = `${containerPort}/${protocol}`;
    const asked = hostPorts === undefined ? '' : [...new Set(hostPorts)].join('-');
    bindings[name] = [...(bindings[name] ?? []), { HostIp: hostIp, HostPort: asked }];
  }
  return bindings;
}
