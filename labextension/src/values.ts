/**
 * Text of a form field to a parameter's value and back. The server checks everything again; this says what is wrong
 * while the user still looks at the field.
 */
import { Parameter, ParameterKind, Value } from './types';

export class BadValue extends Error {}

/** Throws BadValue with a sentence. */
export function parseValue(kind: ParameterKind, text: string): Value {
  const trimmed = text.trim();
  switch (kind) {
    case 'string':
      return text;
    case 'integer':
      if (!/^[+-]?\d+$/.test(trimmed)) {
        throw new BadValue(`“${trimmed}” is not a whole number.`);
      }
      return Number(trimmed);
    case 'number':
      if (trimmed === '' || !Number.isFinite(Number(trimmed))) {
        throw new BadValue(`“${trimmed}” is not a number.`);
      }
      return Number(trimmed);
    case 'boolean':
      if (trimmed !== 'true' && trimmed !== 'false') {
        throw new BadValue(`“${trimmed}” is neither true nor false.`);
      }
      return trimmed === 'true';
    case 'json':
      try {
        return JSON.parse(trimmed) as Value;
      } catch {
        throw new BadValue(`“${trimmed}” is not JSON.`);
      }
  }
}

/** “a, b, c”, or a JSON list where the values themselves have commas. Throws BadValue. */
export function parseList(kind: ParameterKind, text: string): Value[] {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) {
    const list = parseValue('json', trimmed);
    if (Array.isArray(list)) {
      return list;
    }
  }
  const parts = trimmed.split(',').map(part => part.trim());
  return parts.filter(part => part !== '').map(part => parseValue(kind, part));
}

export function showValue(value: Value): string {
  if (value === null) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The bounds and choices of a declaration; throws BadValue. */
export function checkValue(parameter: Parameter, value: Value): Value {
  if (parameter.choices.length > 0 && !parameter.choices.includes(value)) {
    throw new BadValue(`Choose one of ${parameter.choices.map(showValue).join(', ')}.`);
  }
  if (typeof value === 'number') {
    if (parameter.minimum !== null && value < parameter.minimum) {
      throw new BadValue(`${value} is below the minimum of ${parameter.minimum}.`);
    }
    if (parameter.maximum !== null && value > parameter.maximum) {
      throw new BadValue(`${value} is above the maximum of ${parameter.maximum}.`);
    }
  }
  return value;
}

/** The values to choose from where there are any. */
export function offeredValues(parameter: Parameter): Value[] {
  return parameter.choices.length > 0 ? parameter.choices : parameter.kind === 'boolean' ? [true, false] : [];
}
