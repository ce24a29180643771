import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

/** This Node as a program of the container, with the libraries of this machine. */
const NODE = ['-v', `${dirname(process.execPath)}:/node:ro`, '-v', '/lib:/lib:ro', '-v', '/lib64:/lib64:ro'];
const FILES = 40;
const LOOKS = 12;

/**
 * In turns a file, a link to the machine's file and a pipe under one name, and a folder or a link to the machine's folder under another, as fast as it goes: whoever
 * looks, and then opens, opens something else.
 */
const swaps = (secret: string): string => `
const fs = require('fs');
process.chdir('/');
fs.mkdirSync('own'); fs.writeFileSync('own/mine', 'mine'); fs.mkdirSync('x');
const put = (name, make) => { make('t'); fs.renameSync('t', name); };
for (let turn = 0; ; turn++) {
  for (let i = 0; i < ${FILES}; i++) {
    put('x/f' + i, (t) => fs.writeFileSync(t, 'mine'));
    put('x/f' + i, (t) => fs.symlinkSync(${JSON.stringify(join(secret, 'file'))}, t));
  }
  for (let i = 0; i < 4; i++) {
    try { fs.mkdirSync('x/d' + i); fs.writeFileSync('x/d' + i + '/file', 'mine'); } catch {}
    fs.rmSync('x/d' + i, { recursive: true });
    fs.symlinkSync(${JSON.stringify(secret)}, 'x/d' + i);
    fs.rmSync('x/d' + i);
  }
}`;

describe('a container that changes while it is looked at', () => {
  let box: Sandbox;
  let secret: string;
  beforeAll(async () => {
    box = createSandbox();
    await importBase(box);
    secret = join(box.folder, 'machine');
    mkdirSync(secret);
    for (const name of ['file', 'known-by-its-name']) writeFileSync(join(secret, name), 'OF THE MACHINE');
    const script = join(box.folder, 'scripts');
    mkdirSync(script);
    writeFileSync(join(script, 'swap.cjs'), swaps(secret));
    const run = ['run', '-d', '--name', 'swapping', '-v', `${script}:/scripts:ro`, ...NODE, 'base:1'];
    const { code, stderr } = await box.run([...run, '/node/node', '/scripts/swap.cjs']);
    expect([code, stderr]).toEqual([0, '']);
  });
  afterAll(async () => {
    await box.run(['rm', '-f', 'swapping']);
    await box.remove();
  });

  it('does not get files of the machine into its image', async () => {
    for (let look = 0; look < LOOKS; look++) {
      const { code, stderr } = await box.run(['commit', 'swapping', 'swapped:1']);
      expect([code, stderr]).toEqual([0, '']);
      const file = join(box.folder, 'swapped.tar');
      expect((await box.run(['save', '-o', file, 'swapped:1'])).code).toBe(0);
      const bytes = readFileSync(file);
      rmSync(file);
      expect(bytes.includes('mine')).toBe(true);
      expect(bytes.includes('OF THE MACHINE')).toBe(false);
      expect(bytes.includes('known-by-its-name')).toBe(false);
    }
  });

  it('does not get them into its archive, nor their names into its changes', async () => {
    for (let look = 0; look < LOOKS; look++) {
      const file = join(box.folder, 'exported.tar');
      expect((await box.run(['export', '-o', file, 'swapping'])).code).toBe(0);
      const bytes = readFileSync(file);
      rmSync(file);
      expect(bytes.includes('mine')).toBe(true);
      expect(bytes.includes('OF THE MACHINE')).toBe(false);
      const { code, stdout } = await box.run(['diff', 'swapping']);
      expect(code).toBe(0);
      expect(stdout).toContain('A /own/mine\n');
      expect(stdout).not.toContain('known-by-its-name');
    }
  });
});
