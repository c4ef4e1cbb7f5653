/** The look follows the person, not the machine: theme and type size are set on the root element. */
export type Theme = 'dark' | 'light'
export type TypeSize = 'normal' | 'guard' | 'large'

export function wear(theme: Theme): void {
  const root = document.documentElement
  root.dataset.theme = theme
  root.classList.toggle('dark', theme === 'dark')
}

export function setType(size: TypeSize): void { document.documentElement.dataset.type = size }
