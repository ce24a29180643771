import { describe, expect, it } from 'vitest';
import { isLoopback, plainAllowed } from './hosts.ts';
import { checkRealm, sharesDomain } from './realm.ts';

describe('sharesDomain', () => {
  it.each([
    ['auth.docker.io', 'registry-1.docker.io'],
    ['gitlab.com', 'registry.gitlab.com'],
    ['ghcr.io', 'ghcr.io'],
    ['api.digitalocean.com', 'registry.digitalocean.com'],
    ['dockerauth.cn-hangzhou.aliyuncs.com', 'registry.cn-hangzhou.aliyuncs.com'],
    ['auth.example.co.uk', 'registry.example.co.uk'],
    ['me.azurecr.io', 'me.azurecr.io'],
    ['REGISTRY.example.org:5001', 'registry.example.org:5000'],
    ['10.1.2.3:5001', '10.1.2.3:5000'],
    ['localhost:5001', '127.0.0.1:5000'],
    ['[::1]:5001', 'localhost:5000'],
  ])('%s belongs to %s', (realm, home) => {
    expect(sharesDomain(realm, home)).toBe(true);
  });

  it.each([
    ['evil.example', 'registry-1.docker.io'],
    ['notdocker.io', 'registry-1.docker.io'],
    ['docker.io.evil.example', 'registry-1.docker.io'],
    ['evil.co.uk', 'registry.co.uk'],
    ['evil.com.au', 'good.com.au'],
    ['evil.azurecr.io', 'me.azurecr.io'],
    ['evil.s3.amazonaws.com', '123.dkr.ecr.eu-west-1.amazonaws.com'],
    ['evil.github.io', 'good.github.io'],
    ['evil.cn-beijing.aliyuncs.com', 'registry.cn-hangzhou.aliyuncs.com'],
    ['io', 'docker.io'],
    ['10.1.2.4', '10.1.2.3'],
    ['2.2.3.4', '1.2.3.4'],
    ['localhost', 'registry.localhost.example'],
    ['registry', 'other'],
  ])('%s does not belong to %s', (realm, home) => {
    expect(sharesDomain(realm, home)).toBe(false);
  });
});

describe('checkRealm', () => {
  it.each([
    ['https://auth.docker.io/token', 'registry-1.docker.io', false],
    ['https://auth.elsewhere.example/token?x=1#part', 'registry-1.docker.io', false],
    ['http://registry.lan:5001/token', 'registry.lan:5000', true],
    ['http://localhost:5001/token', '127.0.0.1:5000', true],
    ['https://127.0.0.1:5001/token', '127.0.0.1:5000', true],
  ])('takes %s for %s', (realm, home, plain) => {
    expect(checkRealm(realm, home, plain).href).toBe(realm.replace('#part', ''));
  });

  it.each([
    ['http://auth.docker.io/token', 'registry-1.docker.io', false],
    ['http://registry-1.docker.io/token', 'registry-1.docker.io', false],
    ['http://auth.lan/token', 'registry.lan:5000', true],
    ['http://127.0.0.1/token', 'registry.lan:5000', true],
    ['https://127.0.0.1/token', 'registry-1.docker.io', false],
    ['https://localhost/token', 'registry-1.docker.io', false],
    ['https://169.254.169.254/latest/meta-data', 'registry-1.docker.io', false],
    ['https://0x7f.1/token', 'registry-1.docker.io', false],
    ['https://2130706433/token', 'registry-1.docker.io', false],
    ['https://[::ffff:127.0.0.1]/token', 'registry-1.docker.io', false],
    ['http://169.254.169.254/', '127.0.0.1:5000', true],
    ['https://user:password@auth.docker.io/token', 'registry-1.docker.io', false],
    ['ftp://auth.docker.io/token', 'registry-1.docker.io', false],
    ['file:///etc/passwd', 'registry-1.docker.io', false],
    ['/token', 'registry-1.docker.io', false],
    ['', 'registry-1.docker.io', false],
    [`https://auth.docker.io/${'x'.repeat(5000)}`, 'registry-1.docker.io', false],
  ])('refuses %s for %s', (realm, home, plain) => {
    expect(() => checkRealm(realm, home, plain)).toThrow(expect.objectContaining({ code: 'REGISTRY_REALM' }));
  });
});

describe('hosts', () => {
  it.each([
    'localhost',
    'LOCALHOST:5000',
    'a.localhost',
    '127.0.0.1',
    '127.255.3.4:80',
    '[::1]',
    '[::1]:5000',
  ])('%s is loopback', (host) => {
    expect([isLoopback(host), plainAllowed(host)]).toEqual([true, true]);
  });

  it.each([
    'localhost.example',
    '127.0.0.1.example',
    '128.0.0.1',
    '127.0.0.256',
    '[::2]',
    'docker.io',
    '::1x',
  ])('%s is not loopback', (host) => {
    expect([isLoopback(host), plainAllowed(host)]).toEqual([false, false]);
  });

  it('that the user lists may be plain', () => {
    expect(plainAllowed('registry.lan:5000', (host) => host === 'registry.lan:5000')).toBe(true);
  });
});
