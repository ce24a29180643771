import { readFileSync } from 'node:fs';

/** Where the real servers stand when /etc/resolv.conf names a stub on this machine's loopback (systemd-resolved, NetworkManager). */
const BEHIND_STUBS = ['/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf'];
/** docker's, for when this machine has none that a container could reach. */
const PUBLIC = ['8.8.8.8', '8.8.4.4'];

/** Name servers that a container with an address of its own can reach: this machine's, but those on its loopback. */
export function hostNameservers(): readonly string[] {
  for (const path of ['/etc/resolv.conf', ...BEHIND_STUBS]) {
    const found = reachableServers(readOrNothing(path));
    if (found.length > 0) return found;
  }
  return PUBLIC;
}

/** The servers of a resolv.conf that are reached over IPv4 and are not on the loopback. */
export function reachableServers(text: string): string[] {
  const servers = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, server = '']) => server);
  return servers.filter((server) => /^\d+\.\d+\.\d+\.\d+$/.test(server) && !server.startsWith('127.'));
}

/** A resolv.conf with these servers in place of its own. */
export function withNameservers(text: string, servers: readonly string[]): string {
  const rest = text.split('\n').filter((line) => line.trim() !== '' && !/^[ \t]*nameserver\b/.test(line));
  return [...servers.map((server) => `nameserver ${server}`), ...rest].map((line) => `${line}\n`).join('');
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
