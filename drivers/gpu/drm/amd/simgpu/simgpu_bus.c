// SPDX-License-Identifier: MIT
/*
 * A PCI bus in software, with simulated GPUs on it.
 *
 * Config space is an array; the BARs are memory that the kernel left alone at
 * boot.  The bus lives as long as the module: after simgpu_bus_exit() nobody
 * can reach its pci_ops any more.
 */
#include <linux/bitfield.h>
#include <linux/ioport.h>
#include <linux/io.h>
#include <linux/pci.h>

#include "amdgpu.h"
#include "simgpu.h"

/* A domain that no firmware uses. */
#define SIMGPU_PCI_DOMAIN	0x51d
#define SIMGPU_CONFIG_DWORDS	(PCI_CFG_SPACE_SIZE / sizeof(u32))
#define SIMGPU_BAR_VRAM		0
#define SIMGPU_BAR_DOORBELL	2
#define SIMGPU_BAR_REG		5

/**
 * struct simgpu_function - one PCI function
 * @present: there is a GPU in this slot
 * @gpu: its number in the configuration
 * @config: config space
 * @bar_size: bytes of each BAR that starts at this index, 0 for none
 * @sim: the GPU behind it while amdgpu is bound, under simgpu_bus.lock
 */
struct simgpu_function {
	bool present;
	unsigned int gpu;
	u32 config[SIMGPU_CONFIG_DWORDS];
	u64 bar_size[PCI_STD_NUM_BARS];
	struct simgpu *sim;
};

static struct {
	struct simgpu_config config;
	struct simgpu_function functions[PCI_SLOT(0xff) + 1];
	struct pci_sysdata sysdata;
	struct resource memory;
	struct resource busn;
	struct pci_bus *bus;
	/* Protects the sim pointers of functions; innermost lock. */
	rwlock_t lock;
} simgpu_bus = {
	.sysdata = { .domain = SIMGPU_PCI_DOMAIN, .node = NUMA_NO_NODE },
	.lock = __RW_LOCK_UNLOCKED(simgpu_bus.lock),
};

static struct simgpu_function *simgpu_bus_function(struct pci_bus *bus, unsigned int devfn)
{
	struct simgpu_function *fn = &simgpu_bus.functions[PCI_SLOT(devfn)];

	return bus->number || PCI_FUNC(devfn) || !fn->present ? NULL : fn;
}

static int simgpu_bus_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val)
{
	struct simgpu_function *fn = simgpu_bus_function(bus, devfn);
	u32 dword;

	if (!fn) {
		PCI_SET_ERROR_RESPONSE(val);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	dword = where < PCI_CFG_SPACE_SIZE ? fn->config[where / 4] : 0;
	*val = (dword >> (where % 4 * 8)) & GENMASK(size * 8 - 1, 0);
	return PCIBIOS_SUCCESSFUL;
}

/* A BAR keeps its type bits and has no address bits below its size. */
static u32 simgpu_bus_bar_value(struct simgpu_function *fn, unsigned int bar, u32 val)
{
	u64 size = fn->bar_size[bar];
	u32 type = fn->config[PCI_BASE_ADDRESS_0 / 4 + bar] & ~PCI_BASE_ADDRESS_MEM_MASK;

	if (size)
		return (val & ~lower_32_bits(size - 1)) | type;
	/* the upper half of a 64-bit BAR before it */
	if (bar && fn->bar_size[bar - 1] &&
	    fn->config[PCI_BASE_ADDRESS_0 / 4 + bar - 1] & PCI_BASE_ADDRESS_MEM_TYPE_64)
		return val & ~upper_32_bits(fn->bar_size[bar - 1] - 1);
	return 0;
}

static int simgpu_bus_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val)
{
	struct simgpu_function *fn = simgpu_bus_function(bus, devfn);
	unsigned int shift = where % 4 * 8, bar;
	u32 mask = GENMASK(size * 8 - 1, 0) << shift, dword;

	if (!fn)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where >= PCI_CFG_SPACE_SIZE)
		return PCIBIOS_SUCCESSFUL;

	dword = (fn->config[where / 4] & ~mask) | ((val << shift) & mask);
	switch (where & ~3) {
	case PCI_COMMAND:
		/* status bits are cleared by writing 1, and none is ever set */
		fn->config[PCI_COMMAND / 4] = dword & 0xffff;
		break;
	case PCI_BASE_ADDRESS_0 ... PCI_BASE_ADDRESS_5:
		bar = (where - PCI_BASE_ADDRESS_0) / 4;
		fn->config[where / 4] = simgpu_bus_bar_value(fn, bar, dword);
		break;
	case PCI_CACHE_LINE_SIZE:
	case PCI_INTERRUPT_LINE:
		fn->config[where / 4] = dword;
		break;
	default:
		break;
	}
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops simgpu_bus_ops = {
	.read = simgpu_bus_read,
	.write = simgpu_bus_write,
};

static void simgpu_bus_set_bar(struct simgpu_function *fn, unsigned int bar, u64 start, u64 size,
			       u32 type)
{
	fn->bar_size[bar] = size;
	fn->config[PCI_BASE_ADDRESS_0 / 4 + bar] = lower_32_bits(start) | type;
	if (type & PCI_BASE_ADDRESS_MEM_TYPE_64)
		fn->config[PCI_BASE_ADDRESS_0 / 4 + bar + 1] = upper_32_bits(start);
}

static void simgpu_bus_add_function(const struct simgpu_config *config, unsigned int gpu)
{
	struct simgpu_function *fn = &simgpu_bus.functions[simgpu_config_slot(config, gpu)];
	const u32 prefetch64 = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;

	*fn = (struct simgpu_function) { .present = true, .gpu = gpu };
	fn->config[PCI_VENDOR_ID / 4] = PCI_VENDOR_ID_ATI | SIMGPU_DEVICE_ID << 16;
	fn->config[PCI_CLASS_REVISION / 4] = PCI_CLASS_DISPLAY_OTHER << 16 | 1;
	fn->config[PCI_SUBSYSTEM_VENDOR_ID / 4] = PCI_VENDOR_ID_ATI | SIMGPU_DEVICE_ID << 16;
	simgpu_bus_set_bar(fn, SIMGPU_BAR_VRAM, simgpu_config_vram_start(config, gpu),
			   (u64)config->vram_mb << 20, prefetch64);
	simgpu_bus_set_bar(fn, SIMGPU_BAR_DOORBELL, simgpu_config_doorbell_start(config, gpu),
			   SIMGPU_DOORBELL_SIZE, prefetch64);
	simgpu_bus_set_bar(fn, SIMGPU_BAR_REG, simgpu_config_reg_start(config, gpu),
			   SIMGPU_REG_SIZE, 0);
}

/* Does a page hold what is written to it?  Reserved regions need not be memory. */
static bool simgpu_bus_page_is_memory(u64 address)
{
	static const u64 patterns[] = { 0x5a5aa5a5c3c33c3cULL, ~0x5a5aa5a5c3c33c3cULL };
	bool ok = true;
	u64 __iomem *page;
	unsigned int i;

	page = ioremap(address, PAGE_SIZE);
	if (!page)
		return false;
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		writeq(patterns[i], page);
		ok = ok && readq(page) == patterns[i];
	}
	iounmap(page);
	return ok;
}

/*
 * The region has to be kept out of the kernel's use by memmap=, or another
 * reservation, and to be memory from its first page to its last.
 */
static bool simgpu_bus_region_usable(u64 start, u64 size)
{
	if (region_intersects(start, size, IORESOURCE_MEM, IORES_DESC_RESERVED) !=
	    REGION_INTERSECTS)
		return false;
	return simgpu_bus_page_is_memory(start) &&
	       simgpu_bus_page_is_memory(start + size - PAGE_SIZE);
}

/*
 * A GPU has its memory where it is: no other address would do.  A rescan of the bus assigns
 * addresses to whatever has claimed none, and finds the region taken, so a device claims its own as
 * soon as it is there.
 */
static int simgpu_bus_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	unsigned int bar;

	if (action != BUS_NOTIFY_ADD_DEVICE || pdev->bus->ops != &simgpu_bus_ops)
		return NOTIFY_DONE;
	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_len(pdev, bar) && pci_claim_resource(pdev, bar))
			dev_err(&pdev->dev, "simgpu: BAR %u is not where it should be\n", bar);
	return NOTIFY_OK;
}

static struct notifier_block simgpu_bus_notifier = { .notifier_call = simgpu_bus_notify };

static int simgpu_bus_register(const struct simgpu_config *config)
{
	LIST_HEAD(resources);
	struct pci_bus *bus;
	int ret;

	ret = bus_register_notifier(&pci_bus_type, &simgpu_bus_notifier);
	if (ret)
		return ret;
	simgpu_bus.memory = DEFINE_RES_MEM_NAMED(config->base, simgpu_config_size(config),
						 "simgpu");
	simgpu_bus.busn = (struct resource) {
		.name = "simgpu bus", .flags = IORESOURCE_BUS,
	};

	pci_lock_rescan_remove();
	pci_add_resource(&resources, &simgpu_bus.memory);
	pci_add_resource(&resources, &simgpu_bus.busn);
	bus = pci_create_root_bus(NULL, 0, &simgpu_bus_ops, &simgpu_bus.sysdata, &resources);
	if (!bus) {
		pci_free_resource_list(&resources);
		pci_unlock_rescan_remove();
		bus_unregister_notifier(&pci_bus_type, &simgpu_bus_notifier);
		return -ENOMEM;
	}
	simgpu_bus.bus = bus;
	pci_scan_child_bus(bus);
	pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	return 0;
}

/**
 * simgpu_bus_init - make the bus and the GPUs that the module parameters ask for
 *
 * Called when amdgpu's PCI driver has been registered, so that it binds at
 * once.  A wrong configuration is said in one line of the log and leaves the
 * machine without simulated GPUs, which is no reason for amdgpu not to load.
 *
 * Context: process context, module initialisation.
 */
void simgpu_bus_init(void)
{
	struct simgpu_config *config = &simgpu_bus.config;
	unsigned int gpu;
	char why[128];

	simgpu_config_from_params(config);
	if (simgpu_config_check(config, why, sizeof(why))) {
		pr_err("simgpu: %s; no simulated GPU\n", why);
		return;
	}
	if (!config->count)
		return;
	if (!simgpu_bus_region_usable(config->base, simgpu_config_size(config))) {
		pr_err("simgpu: simgpu_base=%#lx: the %llu MiB there are not reserved memory (memmap=); no simulated GPU\n",
		       config->base, simgpu_config_size(config) >> 20);
		return;
	}
	memset(simgpu_bus.functions, 0, sizeof(simgpu_bus.functions));
	for (gpu = 0; gpu < config->count; gpu++)
		simgpu_bus_add_function(config, gpu);
	if (simgpu_bus_register(config))
		pr_err("simgpu: no memory for the bus; no simulated GPU\n");
}

/**
 * simgpu_bus_exit - take the bus away, with the devices on it
 *
 * Context: process context, module exit, with amdgpu's driver and KFD still
 * there: the devices are unbound here.
 */
void simgpu_bus_exit(void)
{
	struct pci_host_bridge *bridge;

	if (!simgpu_bus.bus)
		return;
	bridge = to_pci_host_bridge(simgpu_bus.bus->bridge);
	pci_lock_rescan_remove();
	pci_stop_root_bus(simgpu_bus.bus);
	pci_remove_root_bus(simgpu_bus.bus);
	pci_unlock_rescan_remove();
	simgpu_bus.bus = NULL;
	bus_unregister_notifier(&pci_bus_type, &simgpu_bus_notifier);
	/* the reference of pci_create_root_bus(), which removing the bus leaves to its owner */
	put_device(&bridge->dev);
}

/**
 * simgpu_bus_config - the configuration that the bus was made from
 *
 * Context: any, once a device is bound.
 * Return: the configuration, constant while the bus exists.
 */
const struct simgpu_config *simgpu_bus_config(void)
{
	return &simgpu_bus.config;
}

/**
 * simgpu_bus_gpu - which GPU a device is
 * @pdev: device
 *
 * Context: any, while the device is there.
 * Return: number of the GPU in the configuration, or -ENODEV when the device
 * is not on our bus.
 */
int simgpu_bus_gpu(const struct pci_dev *pdev)
{
	struct simgpu_function *fn;

	/* the first device is bound while the bus is being made */
	if (pdev->bus->ops != &simgpu_bus_ops)
		return -ENODEV;
	fn = simgpu_bus_function(pdev->bus, pdev->devfn);
	return fn ? fn->gpu : -ENODEV;
}

/**
 * simgpu_bus_attach - make a GPU's memory reachable by its peers
 * @sim: GPU with @adev set
 *
 * Context: process context.
 * Return: 0, or -ENODEV when the device is not on our bus.
 */
int simgpu_bus_attach(struct simgpu *sim)
{
	struct pci_dev *pdev = sim->adev->pdev;
	struct simgpu_function *fn;

	if (pdev->bus != simgpu_bus.bus)
		return -ENODEV;
	fn = simgpu_bus_function(pdev->bus, pdev->devfn);
	if (!fn)
		return -ENODEV;
	write_lock(&simgpu_bus.lock);
	fn->sim = sim;
	write_unlock(&simgpu_bus.lock);
	return 0;
}

/**
 * simgpu_bus_detach - undo simgpu_bus_attach()
 * @sim: GPU
 *
 * On return no peer accesses the GPU's memory any more.
 *
 * Context: process context.
 */
void simgpu_bus_detach(struct simgpu *sim)
{
	unsigned int i;

	write_lock(&simgpu_bus.lock);
	for (i = 0; i < ARRAY_SIZE(simgpu_bus.functions); i++)
		if (simgpu_bus.functions[i].sim == sim)
			simgpu_bus.functions[i].sim = NULL;
	write_unlock(&simgpu_bus.lock);
}

static void *simgpu_bus_bar_kva(struct simgpu *sim, u64 address)
{
	struct amdgpu_device *adev = sim->adev;

	if (adev->mman.aper_base_kaddr && address - adev->gmc.aper_base < adev->gmc.aper_size)
		return (void __force *)adev->mman.aper_base_kaddr +
		       (address - adev->gmc.aper_base);
	if (sim->doorbell && address - adev->doorbell.base < adev->doorbell.size)
		return sim->doorbell + (address - adev->doorbell.base);
	if (adev->rmmio && address - adev->rmmio_base < adev->rmmio_size)
		return (void __force *)adev->rmmio + (address - adev->rmmio_base);
	return NULL;
}

/**
 * simgpu_bus_kva - what stands behind a bus address
 * @address: bus address, of a simulated BAR or of the machine's memory
 *
 * Context: any.  The page behind the result stays for as long as the caller
 * holds what keeps the translation to @address valid.
 * Return: kernel address, or NULL when there is nothing.
 */
void *simgpu_bus_kva(u64 address)
{
	void *kva = NULL;
	unsigned int i;

	if (address < simgpu_bus.memory.start || address > simgpu_bus.memory.end)
		return pfn_valid(PHYS_PFN(address)) ? phys_to_virt(address) : NULL;

	read_lock(&simgpu_bus.lock);
	for (i = 0; i < ARRAY_SIZE(simgpu_bus.functions) && !kva; i++)
		if (simgpu_bus.functions[i].sim)
			kva = simgpu_bus_bar_kva(simgpu_bus.functions[i].sim, address);
	read_unlock(&simgpu_bus.lock);
	return kva;
}
