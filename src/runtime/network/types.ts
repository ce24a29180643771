/**
 * Networks of containers: a namespace that the keeper holds, a way out of it, and ports of this machine that lead into it. All of it ends with the keeper, however
 * that dies: interfaces with their namespace, rules with the process that made them, listeners with theirs. Nothing is written down, so nothing is left.
 * @module
 */

export type Protocol = 'tcp' | 'udp';

/** A port that is to be reached from outside. */
export interface PortWish {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** An address of this machine; all of them without it. */
  readonly hostIp?: string | undefined;
  /** The first free one of these, both included; any free one without it. */
  readonly hostPorts?: readonly [first: number, last: number] | undefined;
}

/** A port that can be reached. `hostIp` is `0.0.0.0` or `::` for all addresses of this machine. */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** What a container's network is to be. */
export type NetworkPlan =
  | { readonly kind: 'bridge'; readonly ports: readonly PortWish[] }
  /** That of this process, by its pid in the pid namespace of the keeper's client. */
  | { readonly kind: 'join'; readonly pid: number };

/** A network namespace that is there already, for executors. */
export interface JoinedNetwork {
  /** A file that stands for it, as the keeper sees it. */
  readonly path: string;
  /** The container's own address in it. */
  readonly address?: string | undefined;
  /** For /etc/resolv.conf; this machine's own where absent. */
  readonly nameservers?: readonly string[] | undefined;
}

export interface NetworkAddress {
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
}

/** A network that is open. */
export interface OpenNetwork {
  /** For closing it. */
  readonly id: number;
  /** `host`: there is no way to make one here, `warning` says why. */
  readonly network: JoinedNetwork | 'host';
  readonly address?: NetworkAddress | undefined;
  readonly ports: readonly PublishedPort[];
  /** What is less than was asked for, in one line. */
  readonly warning?: string | undefined;
}

/** Where a network that is being made has its files. */
export interface NetworkPlace {
  /** Of the namespace's file. */
  readonly path: string;
  readonly folder: string;
}
