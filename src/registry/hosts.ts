import { DEFAULT_REGISTRY } from '../oci/reference.ts';

/** Where Docker Hub's registry is served: the name `docker.io` is a web site. */
const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** The host, with port if any, that serves a registry's name. */
export function hostOfRegistry(registry: string): string {
  return registry === DEFAULT_REGISTRY ? DOCKER_HUB_HOST : registry;
}

/** The host without its port, lower case: `127.0.0.1`, `[::1]`, `example.org`. */
export function withoutPort(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

/** True for hosts that are this machine by their spelling: `localhost`, names below it, 127.0.0.0/8, ::1. No name is looked up. */
export function isLoopback(host: string): boolean {
  const name = withoutPort(host);
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name)
  );
}

/** True if plain HTTP may be tried after HTTPS: for loopback, and where the user said so. */
export function plainAllowed(host: string, insecure?: (host: string) => boolean): boolean {
  return isLoopback(host) || insecure?.(host) === true;
}

/** True for an address instead of a name. */
export function isAddress(host: string): boolean {
  const name = withoutPort(host);
  return name.startsWith('[') || /^[\d.]+$/.test(name);
}
