import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJobs, readSurroundings, type SurroundingsRequest } from './step-surroundings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-surroundings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const said = (request: SurroundingsRequest): string => {
  try {
    return JSON.stringify(readSurroundings(request));
  } catch (error) {
    return (error as Error).message;
  }
};

describe('what a build gives to its RUNs', () => {
  it.each([
    ['db:10.0.0.1', 'db 10.0.0.1'],
    ['db=10.0.0.1', 'db 10.0.0.1'],
    ['six:2001:db8::1', 'six 2001:db8::1'],
    ['six=[2001:db8::1]', 'six 2001:db8::1'],
    ['me:host-gateway', 'me 127.0.0.1'],
    ['db', '--add-host db: bad format for add-host'],
    [':1.2.3.4', '--add-host :1.2.3.4: bad format for add-host'],
    ['a b:1.2.3.4', '--add-host a b:1.2.3.4: bad format for add-host'],
    ['a\n1.1.1.1 evil:1.2.3.4', '--add-host a\n1.1.1.1 evil:1.2.3.4: bad format for add-host'],
    ['db:10.0.0', '--add-host db:10.0.0: invalid IP address in add-host: "10.0.0"'],
    ['db:', '--add-host db:: invalid IP address in add-host: ""'],
  ])('--add-host %j: %s', (text, want) => {
    const got = said({ addHosts: [text] });
    const { hosts } = got.startsWith('{') ? JSON.parse(got) : { hosts: undefined };
    expect(hosts === undefined ? got : `${hosts[0].name} ${hosts[0].address}`).toBe(want);
  });

  it.each([
    ['nofile=1024', 'nofile 1024 1024'],
    ['nofile=1024:2048', 'nofile 1024 2048'],
    ['core=0:-1', 'core 0 unlimited'],
    ['memlock=-1', 'memlock unlimited unlimited'],
    ['nofile', '--ulimit nofile: invalid ulimit argument'],
    ['files=1', '--ulimit files=1: invalid ulimit type: files'],
    ['constructor=1', '--ulimit constructor=1: invalid ulimit type: constructor'],
    ['nofile=', '--ulimit nofile=: invalid limit ""'],
    ['nofile=many', '--ulimit nofile=many: invalid limit "many"'],
    [
      'cpu=1:2:3',
      '--ulimit cpu=1:2:3: too many limit value arguments, can only have up to two, `soft[:hard]`',
    ],
    ['cpu=2:1', '--ulimit cpu=2:1: ulimit soft limit must be less than or equal to hard limit: 2 > 1'],
    [
      'cpu=-1:1',
      '--ulimit cpu=-1:1: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1',
    ],
  ])('--ulimit %s: %s', (text, want) => {
    const got = said({ ulimits: ['nofile=7', text] });
    const { limits } = got.startsWith('{') ? JSON.parse(got) : { limits: undefined };
    const { name, soft = 'unlimited', hard = 'unlimited' } = limits?.at(-1) ?? {};
    expect(limits === undefined ? got : `${name} ${soft} ${hard}`).toBe(want);
  });

  it.each([
    ['64m', 67_108_864],
    ['1g', 1_073_741_824],
    ['4096', 4096],
    ['0', undefined],
  ])('--shm-size %s is %s bytes', (text, want) => {
    expect(readSurroundings({ shmSize: text }).shmBytes).toBe(want);
  });

  it('refuses a --shm-size and a --jobs that are no numbers', () => {
    expect(said({ shmSize: 'big' })).toBe('--shm-size big: invalid size');
    expect(() => readJobs('many')).toThrow('--jobs many: invalid number');
    expect(() => readJobs('-1')).toThrow('--jobs -1: invalid number');
    expect([readJobs(undefined), readJobs('3')]).toEqual([undefined, 3]);
    expect(readJobs('0')).toBeGreaterThan(1000);
  });

  it('--volume: folders of the host, with the options that buildah has and that mean something here', () => {
    const volume = (text: string) => readSurroundings({ volumes: [text] }).volumes?.[0];
    expect(volume(`${folder}:/in`)).toEqual({ source: folder, target: '/in', readOnly: false });
    expect(volume(`${folder}:/in:ro,z`)).toEqual({ source: folder, target: '/in', readOnly: true });
    expect(volume(`${folder}:/in:Z`)).toMatchObject({ readOnly: false });
    expect(volume('.:/in')).toMatchObject({ source: process.cwd() });
    expect(said({ volumes: [`${folder}:/in:U`] })).toMatch(/unknown mode "U"/);
    expect(said({ volumes: ['data:/in'] })).toMatch(/"data" is not an absolute path/);
    expect(said({ volumes: [`${folder}/none:/in`] })).toMatch(/does not exist/);
    expect(said({ volumes: [folder] })).toMatch(/want HOST:CONTAINER/);
  });
});
