package interop;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;
import org.eclipse.edc.spi.types.TypeManager;
import org.eclipse.edc.spi.types.domain.DataAddress;
import org.eclipse.edc.transform.spi.TransformerContext;
import org.eclipse.edc.transform.spi.TypeTransformer;
import org.eclipse.edc.transform.spi.TypeTransformerRegistry;
import org.eclipse.edc.transform.transformer.dspace.from.JsonObjectFromDataAddressDspaceTransformer;

import java.util.Map;

/**
 * EDC 0.15.1 takes a SAS out of a destination by setting it to null, and then cannot write that null for a data plane
 * in another process. Here nulls are left out; nothing else is changed.
 */
public class AddressExtension implements ServiceExtension {
    @Inject
    private TypeTransformerRegistry registry;

    @Inject
    private TypeManager typeManager;

    @Override
    public void initialize(ServiceExtensionContext context) {
        registry.forContext("signaling-api").register(new WithoutNulls(typeManager));
    }

    private static class WithoutNulls implements TypeTransformer<DataAddress, JsonObject> {
        private final JsonObjectFromDataAddressDspaceTransformer usual;

        WithoutNulls(TypeManager typeManager) {
            usual = new JsonObjectFromDataAddressDspaceTransformer(
                    Json.createBuilderFactory(Map.of()), typeManager, "json-ld");
        }

        @Override
        public Class<DataAddress> getInputType() {
            return DataAddress.class;
        }

        @Override
        public Class<JsonObject> getOutputType() {
            return JsonObject.class;
        }

        @Override
        public JsonObject transform(DataAddress address, TransformerContext context) {
            var written = DataAddress.Builder.newInstance();
            address.getProperties().forEach((name, value) -> {
                if (value != null) {
                    written.property(name, value);
                }
            });
            return usual.transform(written.build(), context);
        }
    }
}
