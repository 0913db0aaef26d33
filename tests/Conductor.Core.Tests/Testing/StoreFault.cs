namespace Conductor.Tests.Testing;

/// <summary>What a <see cref="LossyStateManager"/> does wrong.</summary>
public enum StoreFault
{
    /// <summary>Results lose their feedback.</summary>
    Feedback,

    /// <summary>Results lose their metadata.</summary>
    Metadata,

    /// <summary>Times are cut to milliseconds.</summary>
    Ticks,

    /// <summary>Characters beyond the basic plane become question marks.</summary>
    Text,

    /// <summary>Outputs are cut after 65,535 characters.</summary>
    LongOutput,

    /// <summary>Tasks of definitions lose their settings.</summary>
    Definition,

    /// <summary>Events lose their errors.</summary>
    Events,

    /// <summary>Dead letters lose the metadata of their task.</summary>
    Letter,

    /// <summary>Agents' states are cut to milliseconds.</summary>
    AgentTicks,

    /// <summary>Definitions are gone after a second connect.</summary>
    DefinitionsAfterConnect,

    /// <summary>Events are gone after a second connect.</summary>
    EventsAfterConnect,

    /// <summary>Dead letters are gone after a second connect.</summary>
    LettersAfterConnect,

    /// <summary>Wishes to cancel are gone after a second connect.</summary>
    WishAfterConnect,

    /// <summary>Leases are gone after a second connect.</summary>
    LeasesAfterConnect,

    /// <summary>Effects are gone after a second connect.</summary>
    EffectsAfterConnect,

    /// <summary>For a moment a step shows its summary without its results.</summary>
    TornReads,

    /// <summary>The lease of a step is looked at before the step is saved.</summary>
    LeaseCheckedBefore,
}
