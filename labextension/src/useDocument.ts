import * as React from 'react';

import { Documents, OpenDocument } from './documents';

/** The current document; renders again when it is another one, or gets or loses unsaved changes. */
export function useDocument(documents: Documents): OpenDocument | null {
  const [, renderAgain] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const changed = (): void => renderAgain();
    documents.changed.connect(changed);
    return () => {
      documents.changed.disconnect(changed);
    };
  }, [documents]);
  return documents.current;
}
