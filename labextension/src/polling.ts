import * as React from 'react';

/**
 * Calls `act` at once and then every `milliseconds` after it ended, as long as `active` is true and the page is
 * shown. `act` handles its own errors.
 */
export function usePolling(act: () => Promise<void>, milliseconds: number, active: boolean): void {
  const latest = React.useRef(act);
  latest.current = act;
  React.useEffect(() => {
    if (!active) {
      return;
    }
    let timer = 0;
    let stopped = false;
    const tick = async (): Promise<void> => {
      if (document.visibilityState === 'visible') {
        await latest.current();
      }
      if (!stopped) {
        timer = window.setTimeout(() => void tick(), milliseconds);
      }
    };
    void tick();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [active, milliseconds]);
}
