import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseProxy, isExcepted, proxyHost } from './proxy.ts';

const settings = { http: 'http://proxy:3128', https: 'http://user:p%40ss@secure:3129' };
const choose = (url: string, none?: string) => chooseProxy(new URL(url), { ...settings, none });

describe('a proxy', () => {
  it('is chosen by the scheme of the URL', () => {
    expect(choose('http://a.example/')).toBe('http://proxy:3128/');
    expect(choose('https://a.example/')).toBe('http://user:p%40ss@secure:3129/');
    expect(chooseProxy(new URL('https://a.example/'), { http: 'http://proxy' })).toBeUndefined();
    expect(chooseProxy(new URL('https://a.example/'), { https: ' ' })).toBeUndefined();
    expect(chooseProxy(new URL('https://a.example/'), undefined)).toBeUndefined();
  });

  it('may be named without a scheme, and is named in messages without its user', () => {
    const found = chooseProxy(new URL('https://a.example/'), { https: 'proxy.example:3128' })!;
    expect(found).toBe('http://proxy.example:3128/');
    expect(proxyHost(choose('https://a.example/')!)).toBe('secure:3129');
  });

  it.each(['http://localhost:5000/', 'http://127.0.0.1:5000/', 'https://127.9.9.9/', 'https://[::1]/'])(
    'is never used for %s',
    (url) => expect(choose(url)).toBeUndefined(),
  );

  it.each(['socks5://user:hunter2@proxy', 'http://user:hunter2@', '%%%'])('is not %s', (https) => {
    expect(() => chooseProxy(new URL('https://a.example/'), { https })).toThrow(
      expect.objectContaining({ code: 'HTTP_PROXY', message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://a.example/', true],
    ['example.org', 'https://example.org/', true],
    ['example.org', 'https://www.example.org/', true],
    ['EXAMPLE.org', 'https://www.Example.ORG./', true],
    ['example.org', 'https://notexample.org/', false],
    ['.example.org', 'https://www.example.org/', true],
    ['.example.org', 'https://example.org/', false],
    ['*.example.org', 'https://www.example.org/', true],
    ['*.example.org', 'https://example.org/', false],
    ['example.org:443', 'https://example.org/', true],
    ['example.org:8443', 'https://example.org/', false],
    ['example.org:80', 'http://example.org/', true],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/8', 'https://10.example/', false],
    ['192.168.1.1', 'https://192.168.1.1:5000/', true],
    ['192.168.1.1:5000', 'https://192.168.1.1:5000/', true],
    ['192.168.1.1:5001', 'https://192.168.1.1:5000/', false],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['fd12::1', 'https://[fd12:0::1]:5000/', true],
    ['[fd12::1]:5000', 'https://[fd12::1]:5000/', true],
    ['a.example, b.example', 'https://b.example/', true],
    ['a.example b.example', 'https://b.example/', true],
    [' ,, ', 'https://b.example/', false],
    ['', 'https://b.example/', false],
    ['.', 'https://b.example/', false],
  ])('%j excepts %s: %s', (none, url, excepted) => {
    expect(isExcepted(new URL(url), none)).toBe(excepted);
  });

  it('excepts an address exactly when it is in one of the blocks', () => {
    const block = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 }));
    fc.assert(
      fc.property(fc.ipV4(), fc.array(block, { maxLength: 4 }), (address, blocks) => {
        const list = new BlockList();
        for (const [start, bits] of blocks) list.addSubnet(start, bits, 'ipv4');
        const none = blocks.map(([start, bits]) => `${start}/${bits}`).join(',');
        expect(isExcepted(new URL(`https://${address}/`), none)).toBe(list.check(address, 'ipv4'));
      }),
    );
  });

  it('excepts a domain with all below it, and nothing that only ends alike', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 2, maxLength: 4 }), label, (labels, more) => {
        const domain = labels.join('.');
        expect(isExcepted(new URL(`https://${more}.${domain}/`), domain)).toBe(true);
        expect(isExcepted(new URL(`https://${more}${domain}/`), domain)).toBe(false);
      }),
    );
  });
});
