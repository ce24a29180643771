/** Subnets for the bridge, each of 2^16 addresses, by their first half; the first that no route of this machine touches is taken. */
const SUBNETS: readonly string[] = ['10.90', '10.91', '10.190', '172.30', '172.31'];

/** Of all subnets. */
export const PREFIX = 16;

/** The first half of a subnet that none of these routes (`192.0.2.0/24`, `10.1.2.3`, `default`) touches; undefined if all are taken. */
export function freeSubnet(routes: readonly string[]): string | undefined {
  const taken = routes.map(rangeOf).filter((range) => range !== undefined);
  return SUBNETS.find((half) => {
    const [first, last] = rangeOf(`${half}.0.0/${PREFIX}`)!;
    return !taken.some((range) => range[0] <= last && first <= range[1]);
  });
}

/** First and last address; undefined for what is no subnet, and for the way to everywhere. */
function rangeOf(route: string): readonly [number, number] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(route);
  if (match === null) return undefined;
  const size = 2 ** (32 - Number(match[5] ?? 32));
  if (size === 2 ** 32) return undefined;
  const [, a = 0, b = 0, c = 0, d = 0] = match.map(Number);
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  const first = address - (address % size);
  return [first, first + size - 1];
}

/** Names of interfaces on this machine begin with it; the address behind it follows in hexadecimal. */
const PREFIX_OF_NAMES = 'dobos';

/** The name of the interface on this machine that leads to an address. Only one can have it: making it is how an address is claimed. */
export const interfaceOf = (address: string): string =>
  PREFIX_OF_NAMES +
  address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');

/** A hardware address made from the other one, as docker makes it: neighbours that remember an address never mean another interface. */
export const macOf = (address: string): string =>
  ['02', '42', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':');

/** Addresses of a subnet for containers, in order: all but the subnet's own, the bridge's, and that for everybody. */
export function* addressesOf(half: string): Iterable<string> {
  for (let number = 2; number < 2 ** 16 - 1; number++) yield `${half}.${number >> 8}.${number & 255}`;
}
