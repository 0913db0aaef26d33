using System.Reflection;

namespace Conductor.Tests.House;

/// <summary>The data model decides seventeen behaviours; each is named by at least one test, as a trait.</summary>
public sealed class BehaviourTests
{
    [Fact]
    public void EveryDecidedBehaviour_IsNamedByATest()
    {
        var classes = typeof(BehaviourTests).Assembly.GetTypes();
        var named = classes.Cast<MemberInfo>().Concat(classes.SelectMany(type => type.GetMethods()))
            .SelectMany(member => member.GetCustomAttributesData())
            .Where(attribute => attribute.AttributeType == typeof(TraitAttribute) && (string?)attribute.ConstructorArguments[0].Value == "Behaviour")
            .Select(attribute => int.Parse((string)attribute.ConstructorArguments[1].Value!));

        named.Distinct().Order().Should().Equal(Enumerable.Range(1, 17));
    }
}
