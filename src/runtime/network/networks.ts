import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDobosError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import { createPool } from '../../base/pool.ts';
import { MNT_DETACH, MS_BIND, mount, unmount } from '../../linux/mount.ts';
import { makeNewNetwork } from '../../linux/net-namespace.ts';
import { makeTempFolder } from '../../store/temp-folder.ts';
import { runtimeError } from '../errors.ts';
import type { RuntimePlace } from '../runtime-place.ts';
import { type AddressRules, openRules } from './address-rules.ts';
import { joinBridge } from './bridge.ts';
import { forwardPorts } from './forward-ports.ts';
import { hostNameservers } from './nameservers.ts';
import { setUpNetwork } from './set-up-network.ts';
import type { NetworkPlace, NetworkPlan, OpenNetwork, PortWish } from './types.ts';
import { startPasta, startSlirp, type UserNetwork } from './user-mode.ts';

export interface NetworkTools {
  readonly storeFolder: string;
  /** The value of PATH. */
  readonly searchPath: string;
  readonly isRootless: boolean;
  /** Why there are no namespaces; undefined when there are. */
  readonly unisolated: string | undefined;
  /** Where the processes of the keeper's client are seen under its numbers. */
  readonly clientProc: string;
  readonly place: Pick<RuntimePlace, 'helper' | 'endsAll'>;
}

/** The networks that this keeper holds. */
export interface Networks {
  /** @throws RUNTIME_NETWORK, RUNTIME_NETWORK_JOIN, RUNTIME_PORT_TAKEN, RUNTIME_PORT */
  open(plan: NetworkPlan): Promise<OpenNetwork>;
  close(id: number): void;
}

type Made = Omit<OpenNetwork, 'id'> & { readonly closers: readonly (() => void)[] };

export function createNetworks(tools: NetworkTools): Networks {
  const open = new Map<number, () => void>();
  let made = 0;
  return {
    async open(plan) {
      const id = ++made;
      const { path: folder, remove } = makeTempFolder(tools.storeFolder);
      const place = { path: join(folder, 'net'), folder };
      const leave = (closers: readonly (() => void)[]): void => {
        for (const close of closers) close();
        // What was not mounted is not there.
        try {
          unmount(place.path, MNT_DETACH);
        } catch {}
        remove();
      };
      try {
        const { closers, ...network } =
          plan.kind === 'join' ? joinOther(tools, place, plan.pid) : await make(tools, place, plan.ports);
        open.set(id, () => leave(closers));
        return { id, ...network };
      } catch (error) {
        leave([]);
        throw error;
      }
    },
    close(id) {
      open.get(id)?.();
      open.delete(id);
    },
  };
}

/** @throws RUNTIME_NETWORK_JOIN */
function joinOther(
  { clientProc, isRootless, unisolated }: NetworkTools,
  { path }: NetworkPlace,
  pid: number,
): Made {
  if (unisolated !== undefined) throw runtimeError('RUNTIME_NETWORK_JOIN', { problem: unisolated });
  if (isRootless)
    throw runtimeError('RUNTIME_NETWORK_JOIN', {
      problem: 'each container of an ordinary user has user ids of its own',
    });
  try {
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
    mount({ source: `${clientProc}/${pid}/ns/net`, target: path, flags: MS_BIND });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw runtimeError('RUNTIME_NETWORK_JOIN', { problem }, { cause: error });
  }
  return { network: { path, nameservers: hostNameservers() }, ports: [], closers: [] };
}

async function make(tools: NetworkTools, place: NetworkPlace, wishes: readonly PortWish[]): Promise<Made> {
  const program = (name: string): string | undefined => findProgram(name, tools.searchPath);
  const ip = tools.isRootless ? undefined : program('ip');
  const starters = [
    [program('slirp4netns'), startSlirp],
    // It puts itself into the background.
    [tools.place.endsAll ? program('pasta') : undefined, startPasta],
  ] as const;
  if (tools.unisolated !== undefined) return sharedWithHost(tools.unisolated, wishes);
  const [user, start] = starters.find(([found]) => found !== undefined) ?? [undefined, startSlirp];
  if (ip === undefined && user === undefined)
    return sharedWithHost(
      `no ${tools.isRootless ? '' : 'ip (iproute2), '}slirp4netns or pasta in PATH`,
      wishes,
    );
  if (tools.isRootless) await makeNamespace(place.path);
  else makeNewNetwork(place.path, setUpNetwork);
  const userMode = (): Promise<Made> =>
    makeUserMode(() => start(user!, place, wishes, tools.place), place, wishes);
  if (ip === undefined) return userMode();
  try {
    return await makeBridged(ip, program('nft'), place, wishes);
  } catch (error) {
    // A kernel without bridges, or a container that may not make any.
    if (!isDobosError(error, 'RUNTIME_NETWORK')) throw error;
    return user === undefined ? sharedWithHost(String(error.facts.problem), wishes) : userMode();
  }
}

/** A namespace with its loopback switched on, at `path`, by a thread that stays there: 25 ms. */
async function makeNamespace(path: string): Promise<void> {
  const thread = createPool<string, undefined>(new URL('./namespace-worker.ts', import.meta.url), 1);
  try {
    await thread.run(path);
  } finally {
    await thread.close();
  }
}

function sharedWithHost(why: string, wishes: readonly PortWish[]): Made {
  const ports = wishes.length > 0 ? '; no port is published, those of the program are reached directly' : '';
  return {
    network: 'host',
    ports: [],
    warning: `${why}: the container has the network of this machine${ports}`,
    closers: [],
  };
}

async function makeBridged(
  ip: string,
  nft: string | undefined,
  { path }: NetworkPlace,
  wishes: readonly PortWish[],
): Promise<Made> {
  const rules = nft === undefined ? undefined : openRules(nft);
  const closers = rules === undefined ? [] : [rules.close];
  try {
    return await overBridge(ip, rules, { path, wishes, closers });
  } catch (error) {
    for (const close of closers) close();
    throw error;
  }
}

async function overBridge(
  ip: string,
  rules: AddressRules | undefined,
  o: { readonly path: string; readonly wishes: readonly PortWish[]; readonly closers: (() => void)[] },
): Promise<Made> {
  const { path, wishes, closers } = o;
  const address = await joinBridge(ip, path);
  const forwarder = await forwardPorts(address.address, wishes);
  closers.push(forwarder.close);
  let warning: string | undefined;
  try {
    if (rules === undefined) warning = 'no nft in PATH';
    else await rules.make(address.address, forwarder.ports);
  } catch (error) {
    warning = error instanceof Error ? error.message : String(error);
  }
  return {
    network: { path, address: address.address, nameservers: hostNameservers() },
    address,
    ports: forwarder.ports,
    warning:
      warning &&
      `${warning}: the container reaches this machine only, and connections to its ports come from it`,
    closers,
  };
}

/** What a port lacks is the person's to mend; that there is no such network at all is only told. */
async function makeUserMode(
  start: () => Promise<UserNetwork>,
  { path }: NetworkPlace,
  wishes: readonly PortWish[],
): Promise<Made> {
  try {
    const { address, nameserver, ports, close } = await start();
    const network = { path, address: address.address, nameservers: [nameserver] };
    return { network, address, ports, closers: [close] };
  } catch (error) {
    if (!isDobosError(error, 'RUNTIME_NETWORK')) throw error;
    return sharedWithHost(String(error.facts.problem), wishes);
  }
}
