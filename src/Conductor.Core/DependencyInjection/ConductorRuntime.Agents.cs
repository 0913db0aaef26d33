using Conductor.Serialization;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.DependencyInjection;

/// <content>What a start does for the agents of the container.</content>
public sealed partial class ConductorRuntime
{
    private async ValueTask RegisterAgentsAsync(CancellationToken cancellationToken)
    {
        var numbers = new Dictionary<AgentType, int>();
        var registrations = _provider.GetServices<AgentRegistration>().ToList();
        var given = registrations.Select(static registration => registration.AgentId).ToHashSet(StringComparer.Ordinal);
        foreach (var registration in registrations)
        {
            for (var i = 0; i < registration.Count; i++)
            {
                var next = NextId(registration.Type);
                while (registration.AgentId is null && given.Contains(next))
                {
                    next = NextId(registration.Type);
                }

                var id = registration.AgentId ?? next;
                await Coordinator.RegisterAgentAsync(registration.Type, id, () => registration.Factory(_provider), cancellationToken).ConfigureAwait(false);
            }
        }

        // Where all agents are registered by hand, nothing is known of them yet.
        foreach (var name in numbers.Count > 0 ? _options.AgentTypes.Keys : [])
        {
            if (!numbers.ContainsKey(new AgentType(name)))
            {
                Log.NobodyOfType(_logger, name, string.Join(", ", numbers.Keys.Select(static type => type.Name).Order(StringComparer.Ordinal)));
            }
        }

        string NextId(AgentType type) => $"{type}-{numbers[type] = numbers.GetValueOrDefault(type) + 1}";
    }

    /// <summary>A store that writes needs to know how: better said at start than at the first crash.</summary>
    private void CheckPayloadTypes()
    {
        if (State.Durability == DurabilityLevel.Volatile)
        {
            return;
        }

        var serializer = _provider.GetRequiredService<ConductorSerializer>();
        var problems = _provider.GetServices<AgentRegistration>().SelectMany(static registration => registration.PayloadTypes)
            .Distinct().Select(serializer.ProblemOf).OfType<string>().ToList();
        if (problems.Count > 0)
        {
            throw new TaskValidationException(
                $"The store cannot write and read {string.Join(", ", problems)}. A type can also have a [JsonConverter], and a member be left out " +
                    "by [JsonIgnore].");
        }
    }
}
