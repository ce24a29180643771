import { BlockList, isIP } from 'node:net';
import type { RegistryRules } from './registry-rules.ts';

/**
 * Whether a host (with port) may be talked to without a checked certificate, and plainly: named in `hosts`, in podman's or in Docker's files.
 * A name without a port stands for every port; `10.0.0.0/8` for addresses, not for names that lead to them.
 */
export function createInsecureHosts(
  rules: RegistryRules,
  hosts: readonly string[],
): (host: string) => boolean {
  const hostOf = (location: string): string => location.split('/', 1)[0]!;
  const listed = [...hosts, ...rules.docker.insecure];
  const plainMirrors = rules.docker.mirrors.filter((url) => url.startsWith('http://'));
  const names = new Set([
    ...listed.map((each) => each.toLowerCase()),
    ...plainMirrors.map((url) => new URL(url).host),
    ...rules.prefixes.flatMap(({ insecure, location, prefix, mirrors }) => [
      ...(insecure ? [hostOf(location === '' ? prefix : location)] : []),
      ...mirrors.filter((mirror) => mirror.insecure).map((mirror) => hostOf(mirror.location)),
    ]),
  ]);
  const ranges = new BlockList();
  for (const each of listed) {
    const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(each) ?? [];
    const family = isIP(address);
    if (family !== 0 && Number(bits) <= (family === 4 ? 32 : 128))
      ranges.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  const wild = [...names].filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
  return (host) => {
    const lower = host.toLowerCase();
    const name = lower.replace(/:\d+$/, '');
    const address = name.replace(/^\[|\]$/g, '');
    const family = isIP(address);
    return (
      names.has(lower) ||
      names.has(name) ||
      wild.some((suffix) => name.endsWith(suffix)) ||
      (family !== 0 && ranges.check(address, family === 4 ? 'ipv4' : 'ipv6'))
    );
  };
}
