import { isIPv4, isIPv6 } from 'node:net';

/** What an address is for; only `public` ones lie outside this machine and its networks. */
export type AddressKind = 'public' | 'loopback' | 'private' | 'link-local' | 'multicast' | 'reserved';

/**
 * The kind of an IPv4 or IPv6 address in its usual spelling; what is no address is `reserved`.
 * Addresses that wrap an IPv4 address and lead there (mapped, 6to4, NAT64) have the kind of that one: networks with DNS64 give every name such addresses.
 */
export function addressKind(text: string): AddressKind {
  const bytes = parseAddress(text);
  return bytes === undefined ? 'reserved' : kindOf(bytes);
}

/** 4 or 16 bytes, or undefined for what is not an address; a zone (`fe80::1%eth0`) and brackets are left out. */
export function parseAddress(text: string): Uint8Array | undefined {
  const plain = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIPv4(plain)) return Uint8Array.from(plain.split('.'), Number);
  const bare = plain.replace(/%.*$/s, '');
  return isIPv6(bare) ? parseIPv6(bare) : undefined;
}

/** A block of addresses: `10.0.0.0/8`, `fc00::/7`, or one address; undefined when it is none. */
export function parseBlock(text: string): AddressBlock | undefined {
  const [address = '', bits, more] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === undefined || more !== undefined) return undefined;
  if (bits === undefined) return { bytes, bits: bytes.length * 8 };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= bytes.length * 8
    ? { bytes, bits: Number(bits) }
    : undefined;
}

export interface AddressBlock {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** True if the address is in the block; never across the two families. */
export function inBlock(address: Uint8Array, block: AddressBlock): boolean {
  if (address.length !== block.bytes.length) return false;
  const whole = block.bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== block.bytes[i]) return false;
  const rest = block.bits & 7;
  return rest === 0 || (address[whole]! ^ block.bytes[whole]!) >> (8 - rest) === 0;
}

function parseIPv6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex =
    dotted === null ? text : `${dotted[1]}${pair(dotted[2]!, dotted[3]!)}:${pair(dotted[4]!, dotted[5]!)}`;
  const [head = '', tail] = hex.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((g) => Number.parseInt(g, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}

const pair = (high: string, low: string): string => ((Number(high) << 8) | Number(low)).toString(16);

/** The first match counts. IANA's special-purpose registries; blocks that hold an IPv4 address say where. */
const BLOCKS: readonly (readonly [block: string, kind: AddressKind | { readonly ipv4At: number }])[] = [
  ['0.0.0.0/8', 'reserved'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'private'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::1', 'loopback'],
  ['2001::/32', 'reserved'],
  ['::ffff:0:0/96', { ipv4At: 12 }],
  ['64:ff9b::/96', { ipv4At: 12 }],
  ['2002::/16', { ipv4At: 2 }],
  ['2000::/3', 'public'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
  ['::/0', 'reserved'],
];

/** A block of each family, with its kind. */
type Kinds = readonly { readonly block: AddressBlock; readonly kind: (typeof BLOCKS)[number][1] }[];
const kindsOf = (isV6: boolean): Kinds =>
  BLOCKS.filter(([block]) => block.includes(':') === isV6).map(([block, kind]) => ({
    block: parseBlock(block)!,
    kind,
  }));

const known: { v4?: Kinds; v6?: Kinds } = {};

/** Each made when the first address of its family is looked at: Node's expression for IPv6 takes milliseconds until it is ready. */
function kindsFor(bytes: Uint8Array): Kinds {
  const family = bytes.length === 4 ? 'v4' : 'v6';
  known[family] ??= kindsOf(family === 'v6');
  return known[family];
}

function kindOf(bytes: Uint8Array): AddressKind {
  const kind = kindsFor(bytes).find(({ block }) => inBlock(bytes, block))?.kind ?? 'public';
  return typeof kind === 'string' ? kind : kindOf(bytes.subarray(kind.ipv4At, kind.ipv4At + 4));
}
