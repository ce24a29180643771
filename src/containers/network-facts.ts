import type { PublishedPort } from '../runtime/network/types.ts';
import type { Container } from './types.ts';

/** docker's name of the container's network: `host`, `none`, `bridge` or `container:ID`. */
export function networkMode({ network, process }: Container): string {
  if (network === undefined) return typeof process.network === 'string' ? process.network : 'bridge';
  return network.mode === 'bridge' ? 'bridge' : `container:${network.of}`;
}

/** What can be reached now, by container port; empty unless it runs. */
export function publishedPorts({ state }: Container): readonly PublishedPort[] {
  const ports = state.kind === 'running' ? (state.network?.ports ?? []) : [];
  return [...ports].sort((a, b) => a.containerPort - b.containerPort || (a.protocol < b.protocol ? -1 : 1));
}
