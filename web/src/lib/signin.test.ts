import { expect, test } from 'vitest';
import { notSignedIn, signInHref } from './signin';

test('only what is about a sign-in is taken, and only as text of our own', () => {
  expect(notSignedIn('')).toBeNull();
  expect(notSignedIn('#main')).toBeNull();
  const told = notSignedIn('#sign-in=no_role&request=abc123');
  expect(told?.said).toMatch(/groups/);
  expect(told?.request).toBe('abc123');
  const strange = notSignedIn('#sign-in=<b>call%200800</b>&request=<i>');
  expect(strange?.said).toBe('You could not be signed in.');
  expect(strange?.request).toBe('');
  expect(notSignedIn('#sign-in=constructor')?.said).toBeTypeOf('string');
});

test('the way back is one parameter', () => {
  expect(signInHref('/sessions?tz=utc&from=1')).toBe('/sign-in/oidc?to=%2Fsessions%3Ftz%3Dutc%26from%3D1');
});
