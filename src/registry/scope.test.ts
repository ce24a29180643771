import { describe, expect, it } from 'vitest';
import { allowedScopes, formatScope, joinScopes, parseScopes, pullScope, pushScope } from './scope.ts';

describe('scopes', () => {
  it('are read and spelled, with colons in their names', () => {
    const text = 'repository:localhost:5000/a/b:pull,push registry:catalog:* repository(plugin):x/y:pull';
    const scopes = parseScopes(text);
    expect(scopes).toEqual([
      { type: 'repository', name: 'localhost:5000/a/b', actions: ['pull', 'push'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
      { type: 'repository(plugin)', name: 'x/y', actions: ['pull'] },
    ]);
    expect(scopes.map(formatScope).join(' ')).toBe(text);
  });

  it.each([
    '',
    'repository',
    'repository:a',
    'repository:a:',
    ':a:pull',
    'repository:a:pull;rm',
    'Repository:a:pull',
  ])('leave out %j', (text) => {
    expect(parseScopes(text)).toEqual([]);
  });

  it('are at most 16', () => {
    expect(parseScopes(Array(100).fill('repository:a:pull').join(' '))).toHaveLength(16);
  });

  it('that a challenge names are asked for, for reading only', () => {
    const own = pullScope('a/b');
    expect(allowedScopes('repository:proxy/a/b:pull,push,delete', own).map(formatScope)).toEqual([
      'repository:proxy/a/b:pull',
    ]);
    for (const other of [undefined, '', 'garbage', 'registry:catalog:*']) {
      expect(allowedScopes(other, own), other).toEqual([own]);
    }
  });

  it('are asked for to write the repository itself, and nothing else that nobody named', () => {
    const own = pushScope('a/b');
    const asked = allowedScopes('repository:a/b:pull repository:base:pull repository:x:delete,push', own);
    expect(asked.map(formatScope)).toEqual([
      'repository:a/b:pull,push',
      'repository:base:pull',
      'repository:x:pull,push',
    ]);
  });

  it('are joined without doubles', () => {
    const [a, b] = [pullScope('a'), pullScope('b')];
    expect(joinScopes([a], [b, { ...a }])).toEqual([a, b]);
  });
});
