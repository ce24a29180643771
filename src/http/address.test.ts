import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKind, inBlock, parseAddress, parseBlock } from './address.ts';

const ipv4 = fc.ipV4();
const inside = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(address, bits, 'ipv4');
}
/** Addresses near the borders of the blocks, where a wrong mask shows. */
const nearBorder = fc
  .tuple(
    fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 224, 240, 255),
    fc.constantFrom(0, 15, 16, 31, 32, 63, 64, 127, 128, 168, 254, 255),
    fc.nat(255),
    fc.nat(255),
  )
  .map((parts) => parts.join('.'));

describe('the kind of an address', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.168.0.1', 'private'],
    ['100.127.255.255', 'private'],
    ['100.128.0.0', 'public'],
    ['169.254.169.254', 'link-local'],
    ['0.0.0.0', 'reserved'],
    ['0.1.2.3', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['1.1.1.1', 'public'],
    ['::', 'reserved'],
    ['::1', 'loopback'],
    ['[::1]', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['ff02::1', 'multicast'],
    ['2606:4700::1111', 'public'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['::ffff:0:127.0.0.1', 'reserved'],
    ['::127.0.0.1', 'reserved'],
    ['::8.8.8.8', 'reserved'],
    ['64:ff9b::a9fe:a9fe', 'link-local'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['64:ff9b:1::8.8.8.8', 'reserved'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:808:808::1', 'public'],
    ['2001:0:7f00:1::', 'reserved'],
    ['4000::1', 'reserved'],
    ['', 'reserved'],
    ['0177.0.0.1', 'reserved'],
    ['example.org', 'reserved'],
  ])('of %s is %s', (address, kind) => expect(addressKind(address)).toBe(kind));

  it('is public for an IPv4 address exactly outside the special blocks', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, nearBorder), (address) => {
        expect(addressKind(address) === 'public').toBe(!inside.check(address, 'ipv4'));
      }),
    );
  });

  it('is the same for an IPv4 address and each IPv6 address that leads to it', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, nearBorder), (address) => {
        const [a, b, c, d] = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
        const kind = addressKind(address);
        expect(addressKind(`::ffff:${address}`)).toBe(kind);
        expect(addressKind(`::ffff:${a}${b}:${c}${d}`)).toBe(kind);
        expect(addressKind(`0:0:0:0:0:FFFF:${a}${b}:${c}${d}`)).toBe(kind);
        expect(addressKind(`64:ff9b::${address}`)).toBe(kind);
        expect(addressKind(`2002:${a}${b}:${c}${d}::1`)).toBe(kind);
      }),
    );
  });

  it('does not depend on how a URL spells an IPv4 address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, nearBorder), (address) => {
        const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
        const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
        const spellings = [
          String(number),
          `0x${number.toString(16)}`,
          `0${number.toString(8)}`,
          `${a}.${number & 0xffffff}`,
          `0${a.toString(8)}.${b}.${(c << 8) | d}`,
          `0x${a.toString(16)}.${b}.${c}.${d}.`,
        ];
        for (const spelling of spellings) {
          expect(new URL(`http://${spelling}/`).hostname, spelling).toBe(address);
        }
      }),
    );
  });
});

describe('bytes of an address', () => {
  it('are those of its groups, wherever zeros are left out', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const list = new BlockList();
        list.addAddress(address, 'ipv6');
        const bytes = parseAddress(address)!;
        const groups = Array.from({ length: 8 }, (_, i) =>
          ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16),
        );
        expect(bytes).toHaveLength(16);
        expect(list.check(groups.join(':'), 'ipv6')).toBe(true);
      }),
    );
  });
});

describe('a block', () => {
  it('holds what the system says it holds', () => {
    fc.assert(
      fc.property(ipv4, ipv4, fc.nat(32), (address, start, bits) => {
        const list = new BlockList();
        list.addSubnet(start, bits, 'ipv4');
        expect(inBlock(parseAddress(address)!, parseBlock(`${start}/${bits}`)!)).toBe(
          list.check(address, 'ipv4'),
        );
      }),
    );
  });

  it.each(['', 'x', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', '10.0.0.0/ 8', '10.0.0.0/'])(
    'is not %j',
    (text) => expect(parseBlock(text)).toBeUndefined(),
  );

  it('of one family holds no address of the other', () => {
    expect(inBlock(parseAddress('::1')!, parseBlock('0.0.0.0/0')!)).toBe(false);
    expect(inBlock(parseAddress('1.2.3.4')!, parseBlock('::/0')!)).toBe(false);
  });
});
