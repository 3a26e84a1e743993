import * as React from 'react';

import { formatBytes } from '../format';
import { Package } from '../types';

const SIGN = { base: '', added: '+', changed: '±', removed: '−' };

/** What the user installed over the base. */
export function Packages(props: { packages: Package[]; size: number }): JSX.Element {
  const changed = props.packages.filter(item => item.change !== 'base');
  const count = (change: Package['change']): number => changed.filter(item => item.change === change).length;
  const parts = (['added', 'changed', 'removed'] as const)
    .filter(count)
    .map(change => `${count(change)} ${change}`);
  if (changed.length === 0) {
    return <p className="yard-line">Packages: those of the base, nothing added</p>;
  }
  return (
    <details className="yard-Packages">
      <summary>
        Packages: {parts.join(', ')} <span className="yard-size">{formatBytes(props.size)}</span>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Package</th>
            <th scope="col">Version</th>
          </tr>
        </thead>
        <tbody>
          {changed.map(item => (
            <tr key={item.name} className={`yard-${item.change}`}>
              <td>
                {SIGN[item.change]} {item.change}
              </td>
              <td>{item.name}</td>
              <td>{item.base_version ? `${item.base_version} → ${item.version || 'none'}` : item.version}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
