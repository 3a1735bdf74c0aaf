package interop;

import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;

/** Fills the in-memory vault from settings: no released module lets a client of the management API do it. */
public class VaultSeed implements ServiceExtension {
    private static final String ALIASES = "seed.secret";

    @Inject
    private Vault vault;

    @Override
    public void initialize(ServiceExtensionContext context) {
        context.getConfig(ALIASES).getRelativeEntries().forEach(vault::storeSecret);
    }
}
