/** Lists to choose from: the codes of GA/T 1400 part 3 with their words. */
import { word, type Branch } from '@/locales'
import { vehiclesZh } from '@/locales/vehicles.zh'

export interface Option { value: string; label: string }
const list = (branch: Branch, codes: object): Option[] => Object.keys(codes).map((each) => ({ value: each, label: word(branch, each) }))
export const colours = (): Option[] => list('vehicles.colour', vehiclesZh.colour)
export const plateClasses = (): Option[] => list('vehicles.plate_classes', vehiclesZh.plate_classes)
export const vehicleClasses = (): Option[] => list('vehicles.vehicle_classes', vehiclesZh.vehicle_classes)
export const residents = (): Option[] => list('vehicles.resident', vehiclesZh.resident)
export const flags = (): Option[] => list('vehicles.flag', vehiclesZh.flag)
